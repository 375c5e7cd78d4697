#!/usr/bin/env bash
# Makes local stand-ins, under the public names, for the base images that docker/ builds on. For machines
# that reach a Debian mirror but no container registry, and only for tests: the stand-ins are not the
# published images. Run by run.sh --local-images.
#
#   local-images.sh [WORKDIR]      (default ~/.cache/replicated-kv-images; Debian or a relative, as root)
#
# Afterwards there are
#   - a Docker engine that answers (Debian's docker.io if there was none), with compose v2 and buildx,
#   - debian:trixie-slim                                  by debootstrap
#   - mcr.microsoft.com/dotnet/aspnet:10.0 and sdk:10.0   from this machine's own .NET SDK
#   - rabbitmq:4-management                               from Debian's rabbitmq-server
# What exists already is left as it is, so a second run only fills gaps. The images made here carry the label
# replicated-kv.stand-in, as does what is built on them; to be rid of all:
#   docker rmi $(docker images -q --filter label=replicated-kv.stand-in)
#
# Environment: DEBIAN_MIRROR.
set -euo pipefail

mirror="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
plugins="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
label=replicated-kv.stand-in
export DEBIAN_FRONTEND=noninteractive
umask 022

say() { echo "local-images: $*"; }
die() {
  echo "local-images: $*" >&2
  exit 1
}
have_image() { docker image inspect "$1" > /dev/null 2>&1; }
engine_answers() { docker info > /dev/null 2>&1; }

# logged NAME COMMAND...: output goes to a file, named when the command fails.
logged() {
  local log="$work/$1.log"
  shift
  "$@" > "$log" 2>&1 || die "$1 failed; see $log"
}

# ---------------------------------------------------------------- engine

install_packages() {
  local package missing=() policy=/usr/sbin/policy-rc.d
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  # Keeps the packages from starting services, where there may be no service manager.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  logged apt-update apt-get update -q
  logged apt-install apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# In its own session: it outlives this script.
start_engine() {
  say "starting dockerd; its log is $work/dockerd.log"
  setsid nohup dockerd > "$work/dockerd.log" 2>&1 < /dev/null &
  local engine=$!
  for _ in $(seq 120); do
    if engine_answers; then return 0; fi
    kill -0 "$engine" 2> /dev/null || break
    sleep 0.5
  done
  tail -n 20 "$work/dockerd.log" >&2
  die "dockerd does not start."
}

# Debian 12 has neither compose v2 nor buildx: both from trixie, without touching the system's sources.
install_plugins() {
  say "compose and buildx into $plugins"
  local apt="$work/apt" deb options
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$plugins"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$apt/trixie.list"
  options=(-q -o "Dir::Etc::sourcelist=$apt/trixie.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  logged trixie-update apt-get "${options[@]}" update
  (cd "$apt/debs" && logged trixie-download apt-get "${options[@]}" download docker-compose docker-buildx)
  for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$apt/unpacked"; done
  find "$apt/unpacked" -path '*/cli-plugins/*' -type f -exec install -m 755 -t "$plugins" {} +
  rm -rf "$apt"
}

# ---------------------------------------------------------------- images

debian_image() {
  local root="$work/rootfs"
  rm -rf "$root"
  logged debootstrap debootstrap --variant=minbase --include=ca-certificates,libicu76,libssl3t64,tzdata \
    trixie "$root" "$mirror"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/etc/resolv.conf "$root"/etc/hostname
  tar -C "$root" -c . | docker import -c 'CMD ["bash"]' -c "LABEL $label=1" - debian:trixie-slim > /dev/null
  rm -rf "$root"
}

# dotnet_image NAME PART...: an image with these parts of the machine's dotnet folder, streamed: an SDK is large.
# The machine's CA bundle goes in, too: restore inside a build may have to pass a proxy that has its own.
dotnet_image() {
  local name="$1" dockerfile="$work/dotnet"
  shift
  mkdir -p "$dockerfile"
  cat > "$dockerfile/Dockerfile" << DOCKERFILE
FROM debian:trixie-slim
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY dotnet/ /usr/share/dotnet/
RUN ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet && useradd -u 1654 -m app
ENV DOTNET_RUNNING_IN_CONTAINER=true DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 \\
    DOTNET_GENERATE_ASPNET_CERTIFICATE=false ASPNETCORE_HTTP_PORTS=8080 APP_UID=1654
LABEL $label=1
DOCKERFILE
  tar -c -h -C "$dockerfile" Dockerfile -C /etc/ssl/certs ca-certificates.crt \
    -C "$dotnet_folder" --transform 's,^\./,dotnet/,' "${@/#/./}" |
    logged "dotnet-$name" docker build -t "mcr.microsoft.com/dotnet/$name:10.0" -
}

# Does with RABBITMQ_DEFAULT_* what the published image does.
rabbitmq_image() {
  local context="$work/rabbitmq"
  mkdir -p "$context"
  cat > "$context/entry.sh" << 'ENTRY'
#!/bin/sh
conf=/tmp/rabbitmq.conf
echo 'loopback_users.guest = false' > $conf
[ -z "$RABBITMQ_DEFAULT_USER" ] || echo "default_user = $RABBITMQ_DEFAULT_USER" >> $conf
[ -z "$RABBITMQ_DEFAULT_PASS" ] || echo "default_pass = $RABBITMQ_DEFAULT_PASS" >> $conf
[ -z "$RABBITMQ_DEFAULT_VHOST" ] || echo "default_vhost = $RABBITMQ_DEFAULT_VHOST" >> $conf
export RABBITMQ_CONFIG_FILE=$conf
exec "$@"
ENTRY
  chmod 755 "$context/entry.sh"
  cat > "$context/Dockerfile" << DOCKERFILE
FROM debian:trixie-slim
RUN apt-get update \\
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rabbitmq-server \\
    && rm -rf /var/lib/apt/lists/* \\
    && rabbitmq-plugins enable --offline rabbitmq_management
COPY entry.sh /usr/local/bin/docker-entrypoint.sh
ENV RABBITMQ_LOGS=- RABBITMQ_DATA_DIR=/var/lib/rabbitmq HOME=/var/lib/rabbitmq
EXPOSE 4369 5672 15672 25672
USER rabbitmq
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
LABEL $label=1
DOCKERFILE
  logged rabbitmq docker build -t rabbitmq:4-management "$context"
}

# make IMAGE COMMAND...: unless it is there.
make() {
  have_image "$1" && return
  say "making $1"
  "${@:2}"
}

# ---------------------------------------------------------------- all steps

[ "$(id -u)" = 0 ] || die "it must run as root."
command -v apt-get > /dev/null || die "it needs Debian's apt-get."
command -v dotnet > /dev/null || die "the .NET 10 SDK is needed, and 'dotnet' is not on the PATH."
dotnet --list-runtimes | grep -q '^Microsoft.AspNetCore.App 10\.0\.' || die "this dotnet has no 10.0 runtime."
dotnet_folder="$(dirname "$(readlink -f "$(command -v dotnet)")")"
work="${1:-$HOME/.cache/replicated-kv-images}"
mkdir -p "$work"
work="$(cd "$work" && pwd)"

install_packages debootstrap iptables ca-certificates
if ! engine_answers; then
  install_packages docker.io
  engine_answers || start_engine
fi
if ! { docker compose version && docker buildx version; } > /dev/null 2>&1; then install_plugins; fi
make debian:trixie-slim debian_image
make mcr.microsoft.com/dotnet/aspnet:10.0 dotnet_image aspnet dotnet host shared
make mcr.microsoft.com/dotnet/sdk:10.0 dotnet_image sdk ""   # all of it
make rabbitmq:4-management rabbitmq_image
say "ready"
