# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Substitutes for the base images, made of Debian's packages under the official names. They are for machines that
# reach Debian's mirror but no image registry. They differ from the official images where Debian does: redis is 7.0,
# nginx is the version of forky, and there is no entrypoint script. docker-compose.yml sets everything that such a
# script would. Sourced; needs DOCKER_HOST.

# base_images_load CACHE WORK: loads the four images into the engine, from the cache if this recipe made them before.
base_images_load() {
    base_recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)
    base_archive="$1/base-images-$base_recipe.tar"
    if [ ! -e "$base_archive" ]; then
        base_images_make "$2" || return 1
        docker save --output "$base_archive.new" debian:bookworm-slim debian:trixie-slim redis:7.2-bookworm nginx:1.30 ||
            return 1
        rm -f "$1"/base-images-*.tar
        mv "$base_archive.new" "$base_archive"
    else
        docker load --quiet --input "$base_archive" >/dev/null
    fi
}

base_images_make() {
    # shellcheck disable=SC2016 # apt-get expands them.
    base_mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        awk '$2 == "bookworm" { print $1; exit }')
    [ -n "$base_mirror" ] || { echo "apt's sources name no mirror of bookworm." >&2; return 1; }

    base_debootstrap "$1" bookworm bookworm ca-certificates &&
        base_import "$1/bookworm" debian:bookworm-slim &&
        base_redis "$1" &&
        base_debootstrap "$1" trixie trixie ca-certificates &&
        base_import "$1/trixie" debian:trixie-slim &&
        # bookworm's debootstrap does not know forky, so it uses the script of unstable.
        base_debootstrap "$1" forky sid ca-certificates,curl,nginx &&
        base_nginx_user "$1/forky" &&
        base_import "$1/forky" nginx:1.30 --change 'EXPOSE 80' --change 'CMD ["nginx", "-g", "daemon off;"]'
}

base_debootstrap() {
    debootstrap --variant=minbase --include="$4" "$2" "$1/$2" "$base_mirror" "$3" >"$1/$2.log" 2>&1 ||
        { tail -n 20 "$1/$2.log" >&2; return 1; }
}

# Like the -slim images, it has no documentation and no downloaded packages.
base_import() {
    base_root=$1 base_name=$2
    shift 2
    tar -C "$base_root" --numeric-owner --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale \
        --exclude=./var/cache/apt/archives --exclude=./var/lib/apt/lists --exclude='./dev/*' --exclude='./proc/*' \
        --exclude='./sys/*' -c . | docker import "$@" - "$base_name" >/dev/null
}

# The user and the number of the official image. Debian's own user for nginx is www-data.
base_nginx_user() {
    chroot "$1" useradd --system --uid 101 --user-group --no-create-home --shell /usr/sbin/nologin nginx
}

base_redis() {
    DOCKER_BUILDKIT=0 docker build --tag redis:7.2-bookworm - >"$1/redis.log" 2>&1 <<'DOCKERFILE' ||
FROM debian:bookworm-slim
RUN groupadd --system --gid 999 redis && useradd --system --uid 999 --gid redis --home-dir /data redis
RUN apt-get update && apt-get install -y --no-install-recommends redis-server redis-tools && rm -rf /var/lib/apt/lists/*
RUN mkdir -p /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
EXPOSE 6379
CMD ["redis-server"]
DOCKERFILE
        { tail -n 20 "$1/redis.log" >&2; return 1; }
}
