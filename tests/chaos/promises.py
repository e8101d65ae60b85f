# SPDX-License-Identifier: MIT
"""The promises of the service. Each is a function that returns the violations of a case.

A grant is never taken back and a discount's stock never changes. So the state of a discount is a set that only grows to a limit.
Therefore no order of events has to be searched for: these rules together are as strict as linearizability, and each looks at
every request once. A request without an answer may have been applied at any time after it began, even much later.
"""

import collections
from dataclasses import dataclass

from history import IN_DOUBT, OK, REFUSED, STEADY_US

# The answers that a healthy client may get, besides a 503 with one of the three problems.
EARNED = {
    "create": {(201, None)},
    "grant": {(200, None), (201, None), (409, "discount-exhausted")},
    "grant_get": {(200, None), (404, "grant-not-found")},
    "get": {(200, None)},
    "grants": {(200, None)},
    "wallet": {(200, None)},
    "list": {(200, None)},
}


@dataclass
class Violation:
    promise: str
    text: str
    lines: list  # lines of the log that prove it

    def __str__(self):
        proof = f" (lines {', '.join(map(str, self.lines))})" if self.lines else ""
        return f"{self.promise}: {self.text}{proof}"


class Case:
    """A history and the final contents, with the requests sorted by their subject."""

    def __init__(self, history, contents):
        self.history = history
        self.healed, self.stored, self.listed = contents.healed, contents.stored, contents.listed
        self.contents = contents
        self.totals = {id: discount["total"] for id, discount in self.stored.discounts.items()}
        self.grants = collections.defaultdict(list)  # (discount, user): requests
        for request in history.of_kind("grant"):
            self.grants[request.asked["discount"], request.asked["user"]].append(request)
        self.sold_out = {}  # discount: the first request that was answered so
        for request in history.of_kind("grant"):
            if request.is_sold_out():
                first = self.sold_out.setdefault(request.asked["discount"], request)
                if request.ended < first.ended:
                    self.sold_out[request.asked["discount"]] = request
        self.ids = collections.defaultdict(list)  # (brand, code): ids of the stored discounts
        for id, discount in self.stored.discounts.items():
            self.ids[discount["brand"], discount["code"]].append(id)
        self.creates = collections.defaultdict(list)  # (brand, code): requests
        for request in history.of_kind("create"):
            self.creates[request.asked["brand"], request.asked["code"]].append(request)

    def told(self, kind):
        """Returns the requests of this kind that succeeded."""
        return (request for request in self.history.of_kind(kind) if request.outcome() == OK)

    def first_told(self):
        """Returns, for each (discount, user), the first request that was answered with the user's grant."""
        first = {}
        for pair, requests in self.grants.items():
            told = [request for request in requests if request.outcome() == OK]
            if told:
                first[pair] = min(told, key=lambda request: request.ended)
        return first


def all_lines(requests, most=8):
    return [line for request in requests for line in request.lines()][:most]


# ---- P1: never more grants than stock ----

def stock(case):
    for name, content in (("the store", case.stored), ("the store before the replay", case.healed), ("the API", case.listed)):
        for id, granted in content.grants.items():
            total = content.discounts.get(id, {}).get("total", case.totals.get(id, 0))
            if len(granted) > total:
                yield Violation("P1", f"{name} has {len(granted)} grants of {id}, whose stock is {total}", [])
    told = collections.defaultdict(list)
    for (id, _), request in case.first_told().items():
        told[id].append(request)
    for id, requests in told.items():
        if id in case.totals and len(requests) > case.totals[id]:
            requests.sort(key=lambda request: request.ended)
            yield Violation("P1", f"{len(requests)} users were told that they have {id}, whose stock is {case.totals[id]}",
                            all_lines(requests[case.totals[id]:]))


# ---- P2: at most one for each user ----

def one_each(case):
    for twice in (*case.stored.twice, *case.listed.twice):
        yield Violation("P2", f"listed twice: {twice}", [])
    for id, granted in case.stored.grants.items():
        if case.listed.grants.get(id, {}) != granted:
            yield Violation("P2", f"of {id} the API lists {len(case.listed.grants.get(id, {}))} grants and the store has "
                            f"{len(granted)}, or their times differ", [])


# ---- P3: nothing answered is lost, and nothing exists without a request ----

def nothing_lost(case):
    for (id, user), request in case.first_told().items():
        at = request.said.get("granted_at")
        for name, content in (("before the replay", case.healed), ("in the end", case.stored)):
            held = content.grants.get(id, {}).get(user)
            if name == "before the replay" and request.phase == "replay":
                continue
            if held is None:
                yield Violation("P3", f"the grant of {id} to {user} was answered and is lost {name}", request.lines())
            elif held != at:
                yield Violation("P3", f"{user} was told {id} was granted at {at}, and it is {held} {name}", request.lines())
    for request in case.told("create"):
        contents = [("after the faults", case.healed), ("in the end", case.stored), ("in the list", case.listed)]
        for name, content in contents[request.phase == "replay":]:
            yield from compare_discount(request, content.discounts.get(request.said.get("id")), name)


def compare_discount(request, discount, name):
    said = {word: request.said.get(word) for word in ("brand", "code", "total", "created_at")}
    if discount is None:
        yield Violation("P3", f"discount {request.said.get('id')} was answered and is not there {name}", request.lines())
    elif said != discount:
        yield Violation("P3", f"discount {request.said.get('id')} was answered as {said} and is {discount} {name}",
                        request.lines())


def nothing_vanishes(case):
    """Everything stored after the faults must be stored after the replay."""
    for id, granted in case.healed.grants.items():
        for user, at in granted.items():
            if case.stored.grants.get(id, {}).get(user) != at:
                yield Violation("P3", f"the grant of {id} to {user} was stored and is gone or changed",
                                all_lines(case.grants[id, user]))
    for id in case.healed.discounts.keys() - case.stored.discounts.keys():
        yield Violation("P3", f"discount {id} was stored and is gone", [])


def nothing_unexpected(case):
    for id, granted in case.stored.grants.items():
        for user in granted:
            requests = case.grants.get((id, user), [])
            if not requests:
                yield Violation("P3", f"{user} has a grant of {id} and never asked for it", [])
            elif not any(request.may_have_applied() for request in requests if is_before(request, case, id, user)):
                yield Violation("P6", f"{user} has a grant of {id} and was told that it was surely not applied",
                                all_lines(requests))
    for pair, ids in list(case.ids.items()):
        yield from explain_discounts(case, pair, ids)


def is_before(request, case, id, user):
    """Returns whether the request can have made the grant. The replay did not make what was stored before it."""
    return request.phase != "replay" or user not in case.healed.grants.get(id, {})


def grants_have_their_time(case):
    """A grant was made while a request that may have made it was in progress. The clock is that of the same machine."""
    origin = case.history.wall_origin()
    if origin is None:
        return
    for id, granted in case.stored.grants.items():
        for user, at in granted.items():
            requests = [request for request in case.grants.get((id, user), []) if request.may_have_applied()]
            if requests and not any(was_under_way(request, at - origin) for request in requests):
                yield Violation("P6", f"{user} was granted {id} at {at - origin} by a request that was surely not applied",
                                all_lines(case.grants[id, user]))


def was_under_way(request, at):
    return request.began - STEADY_US <= at and (request.outcome() == IN_DOUBT or at <= request.ended + STEADY_US)


def explain_discounts(case, pair, ids):
    """Each discount must have been answered, or one request in doubt has made it."""
    requests = case.creates.get(pair, [])
    answered = {request.said["id"] for request in requests if request.outcome() == OK and "id" in request.said}
    doubtful = [request for request in requests if request.outcome() == IN_DOUBT]
    others = set(ids) - answered
    if not requests:
        yield Violation("P3", f"discount {ids[0]} is there and nobody asked for it", [])
    elif others and not doubtful:
        yield Violation("P6", f"discount {min(others)} is there and its create was told that it was surely not applied",
                        all_lines(requests))
    elif len(others) > len(doubtful):
        yield Violation("P6", f"{len(doubtful)} creates of {pair} are in doubt and {len(others)} more than answered are there",
                        all_lines(requests))
    for id in ids:
        if requests and case.stored.discounts[id]["total"] != requests[0].asked["total"]:
            yield Violation("P3", f"discount {id} has another stock than was asked for", all_lines(requests))


def readers_see_it(case):
    """A request that begins after an answer must see what was answered, from any client and any replica."""
    first = case.first_told()
    for request in case.told("grant_get"):
        yield from compare_grant(request, first.get((request.asked["discount"], request.asked["user"])))
    for request in case.history.of_kind("grant_get"):
        earlier = first.get((request.asked["discount"], request.asked["user"]))
        if request.status == 404 and earlier and earlier.ended < request.began:
            yield Violation("P3", f"{request.asked} was answered and then not found", earlier.lines() + request.lines())
    by_user, by_discount = collections.defaultdict(list), collections.defaultdict(list)
    for (id, user), earlier in first.items():
        by_user[user].append((id, earlier))
        by_discount[id].append((user, earlier))
    for kind, about, held in (("wallet", "user", by_user), ("grants", "discount", by_discount)):
        for request in case.told(kind):
            for name, earlier in held[request.asked[about]]:
                if earlier.ended < request.began and request.said.get(name) != earlier.said.get("granted_at"):
                    yield Violation("P3", f"the {kind} of {request.asked[about]} does not show {name}, which was answered before",
                                    earlier.lines() + request.lines())
    yield from counts_seen(case, by_discount)
    yield from lists_seen(case)


def compare_grant(request, earlier):
    if earlier and request.said.get("granted_at") != earlier.said.get("granted_at"):
        yield Violation("P4", f"{request.asked} is shown with another time than it was answered with",
                        earlier.lines() + request.lines())


def counts_seen(case, by_discount):
    for id, held in by_discount.items():
        held.sort(key=lambda item: item[1].ended)
    for request in case.told("get"):
        id = request.asked["discount"]
        least = sum(earlier.ended < request.began for _, earlier in by_discount[id])
        granted, remaining = request.said.get("granted", 0), request.said.get("remaining", 0)
        if granted < least:
            yield Violation("P3", f"{least} grants of {id} were answered, and then {granted} were counted", request.lines())
        if granted + remaining != case.totals.get(id) or remaining < 0:
            yield Violation("P1", f"{id} was shown with {granted} granted and {remaining} left", request.lines())


def lists_seen(case):
    created = [(request.ended, request.said.get("id"), request) for request in case.told("create")]
    for request in case.told("list"):
        for ended, id, earlier in created:
            brand = request.asked["brand"]
            if ended < request.began and brand in (None, earlier.asked["brand"]) and id not in request.said:
                yield Violation("P3", f"the list does not show {id}, which was answered before",
                                earlier.lines() + request.lines())


def ends(output):
    """Returns the first and the last lines, whole: they say what is wrong and how often."""
    lines = output.strip().split("\n")
    return "\n".join(lines if len(lines) <= 5 else [*lines[:3], "...", *lines[-1:]])


def nothing_from_an_unfit_store(case):
    """Of a store that may lose what it holds, nothing is answered as done or as found."""
    for line, process in case.history.ready:
        yield Violation("P3", f"{process} was ready, and the store may lose what it holds", [line])
    for began, ended in case.history.unfit:
        for request in case.history.requests:
            if request.outcome() == OK and began <= request.began and request.ended <= ended:
                yield Violation("P3", f"{request.kind} {request.asked} was answered {request.status}, and the store may lose what "
                                "it holds", request.lines())


def verify_agrees(case):
    if case.contents.verify_code != 0:
        yield Violation("P3", f"discountd verify ended with {case.contents.verify_code}: {ends(case.contents.verify_output)}", [])


# ---- P4: the same grant again ----

def same_again(case):
    for (id, user), requests in case.grants.items():
        told = [request for request in requests if request.outcome() == OK]
        for request in told:
            if (request.said.get("discount"), request.said.get("user")) != (id, user):
                yield Violation("P4", f"{user} asked for {id} and was answered with {request.said}", request.lines())
        if len({request.said.get("granted_at") for request in told}) > 1:
            yield Violation("P4", f"{user} was told several times of the grant of {id}", all_lines(told))
        new = [request for request in told if request.status == 201]
        if len(new) > 1:
            yield Violation("P4", f"{user} was told {len(new)} times that the grant of {id} is new", all_lines(new))
        if told:
            first = min(told, key=lambda request: request.ended)
            for request in requests:
                if request.is_sold_out() and request.began > first.ended:
                    yield Violation("P4", f"{user} has {id} and was told that it is sold out", first.lines() + request.lines())


# ---- P5: "sold out" is true, and final ----

def sold_out_is_final(case):
    for id, first in case.sold_out.items():
        granted = case.stored.grants.get(id, {})
        total = case.totals.get(id)
        if total is not None and len(granted) < total:
            yield Violation("P5", f"of {id} {total - len(granted)} units of {total} are left, and it was said to be sold out",
                            first.lines())
        for user in granted:
            requests = case.grants.get((id, user), [])
            refused = [request for request in requests if request.is_sold_out()]
            possible = [request for request in requests if request.may_have_applied()]
            if refused:
                yield Violation("P5", f"{user} was told that {id} is sold out, and has it", all_lines(refused + possible))
            elif possible and min(request.began for request in possible) > first.ended:
                yield Violation("P5", f"{user} came after {id} was sold out, and has it", first.lines() + all_lines(possible))


def no_unit_is_kept_back(case):
    """If everybody was answered, either all demand is served or all stock is gone."""
    demand = collections.Counter(id for (id, _), requests in case.grants.items() if any(r.phase == "replay" for r in requests))
    for id, users in demand.items():
        granted = len(case.stored.grants.get(id, {}))
        if id in case.totals and granted < min(users, case.totals[id]):
            yield Violation("P5", f"{users} users wanted {id}, its stock is {case.totals[id]}, and {granted} have it", [])


def refusals_are_earned(case):
    for request in case.history.requests:
        is_known_503 = request.status == 503 and request.name in ("store-unavailable", "overloaded", "outcome-unknown")
        if request.status != 0 and not is_known_503 and (request.status, request.name) not in EARNED[request.kind]:
            yield Violation("P5", f"{request.kind} {request.asked} was answered {request.status} {request.name}", request.lines())
        if "malformed" in request.said:
            yield Violation("P5", f"{request.kind} was answered what nobody can read: {request.said['malformed']}",
                            request.lines())


def nobody_is_in_the_way(case):
    """Without faults, nobody is refused because of other clients."""
    if not case.history.faults:
        for request in case.history.requests:
            if request.name == "overloaded":
                yield Violation("P5", f"{request.kind} {request.asked} was refused as overloaded, and nothing was wrong",
                                request.lines())


# ---- P6: repeating a request settles what is in doubt ----

def replays_settle(case):
    if "replay" not in case.history.phases:
        return
    for (id, user), requests in case.grants.items():
        replays = [request for request in requests if request.phase == "replay"]
        if not replays:
            yield Violation("P6", f"{user} asked for {id} and was not replayed", all_lines(requests))
            continue
        last = replays[-1]
        held = case.stored.grants.get(id, {}).get(user)
        if last.outcome() not in (OK, REFUSED):
            yield Violation("P6", f"the replay of {user} for {id} settles nothing: {last.status} {last.name}", all_lines(replays))
        elif (last.said.get("granted_at") if last.outcome() == OK else None) != held:
            yield Violation("P6", f"the replay of {user} for {id} says {last.said or last.name}, the store {held}", last.lines())
        if last.status == 201 and user in case.healed.grants.get(id, {}):
            yield Violation("P6", f"the replay of {user} for {id} made a grant that was there already", last.lines())


def keyed_creates_settle(case):
    if "replay" not in case.history.phases:
        return
    for requests in case.creates.values():
        last = requests[-1]
        if last.asked["key"] is not None and (last.phase != "replay" or last.outcome() != OK):
            yield Violation("P6", f"the replay of create {last.asked} settles nothing: {last.status} {last.name}",
                            all_lines(requests))


def wallets_are_complete(case):
    for name, content in (("the store", case.stored), ("the API", case.listed)):
        wallets = {(user, id, at) for user, wallet in content.wallets.items() for id, at in wallet.items()}
        grants = {(user, id, at) for id, granted in case.stored.grants.items() for user, at in granted.items()}
        for user, id, at in sorted(grants - wallets)[:20]:
            yield Violation("P6", f"the wallet of {user} in {name} lacks {id}, granted at {at}", all_lines(case.grants[id, user]))
        for user, id, at in sorted(wallets - grants)[:20]:
            yield Violation("P6", f"the wallet of {user} in {name} has {id} of {at}, which was not granted",
                            all_lines(case.grants[id, user]))


def counts_add_up(case):
    for id, granted in case.stored.grants.items():
        counts = case.listed.counts.get(id)
        wanted = [len(granted), case.totals.get(id, 0) - len(granted)]
        if counts is not None and counts != wanted:
            yield Violation("P6", f"the list counts {counts} granted and left of {id}, the store has {wanted}", [])
    for id in case.stored.discounts.keys() ^ case.listed.discounts.keys():
        yield Violation("P6", f"discount {id} is in one of store and list only", [])


def keys_make_one(case):
    asked = collections.defaultdict(list)
    for requests in case.creates.values():
        for request in requests:
            if request.asked["key"] is not None:
                asked[request.asked["brand"], request.asked["key"]].append(request)
    for pair, requests in asked.items():
        made = {id for request in requests for id in case.ids[request.asked["brand"], request.asked["code"]]}
        told = {request.said.get("id") for request in requests if request.outcome() == OK}
        if len(made) > 1:
            yield Violation("P6", f"key {pair} made {len(made)} discounts: {sorted(made)}", all_lines(requests))
        if len(told) > 1:
            yield Violation("P6", f"key {pair} was answered with {sorted(told, key=str)}", all_lines(requests))
    for brand, key, id in case.stored.keys:
        if id not in case.stored.discounts:
            yield Violation("P6", f"key {key} of {brand} names {id}, and there is no such discount", [])


# ---- Processes ----

def processes_live(case):
    for exit in case.history.exits:
        if exit.wanted is None:
            yield Violation("life", f"{exit.process} ended by itself with {exit.code}", [exit.line])
        elif exit.wanted == "stop" and exit.code != 0:
            yield Violation("life", f"{exit.process} was told to stop and ended with {exit.code}", [exit.line])
        elif exit.wanted == "rescue" and exit.code != 1:
            yield Violation("life", f"{exit.process} was to save its files and end with 1, and ended with {exit.code}", [exit.line])


RULES = {
    "P1": [stock],
    "P2": [one_each],
    "P3": [nothing_lost, nothing_vanishes, nothing_unexpected, readers_see_it, nothing_from_an_unfit_store,
           verify_agrees],
    "P4": [same_again],
    "P5": [sold_out_is_final, no_unit_is_kept_back, refusals_are_earned, nobody_is_in_the_way],
    "P6": [replays_settle, grants_have_their_time, keyed_creates_settle, wallets_are_complete, counts_add_up, keys_make_one],
    "life": [processes_live],
}


def violations(history, contents):
    case = Case(history, contents)
    return [violation for rules in RULES.values() for rule in rules for violation in rule(case)]
