# SPDX-License-Identifier: MIT
"""Clients whose requests always come in the same batches, so that their cost can be counted. One kind waits for each answer
before it asks again. The other is many clients in step: all their requests are there before the server reads any."""

import json
import socket


class Client:
    """A keep-alive connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request):
        self.socket.sendall(request)

    def answer(self):
        """Returns the status and the body."""
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(data) < end + 4 + length:
            data += self._more()
        return int(head.split(b" ")[1]), data[end + 4:]

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise RuntimeError("the server has closed a connection")
        return data

    def close(self):
        self.socket.close()


def post(target, document):
    body = json.dumps(document).encode()
    return (f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def expect(status, answer):
    if answer[0] != status:
        raise RuntimeError(f"{status} was to be answered, not {answer[0]}: {answer[1]!r}")
    return answer[1]


def one_after_the_other(client, requests, status):
    for request in requests:
        client.ask(request)
        expect(status, client.answer())


def in_step(clients, requests, status, pause, resume):
    """Repeats: sends a request on each connection while the server is stopped, and then receives all answers."""
    for first in range(0, len(requests), len(clients)):
        pause()
        for client, request in zip(clients, requests[first:]):
            client.ask(request)
        resume()
        for client, _ in zip(clients, requests[first:]):
            expect(status, client.answer())
