# shellcheck shell=bash
# Sourced by run.sh: the cluster under test, its faults, and the checks' words.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
project=replicated-kv-test
node1=kv2_node1
node2=kv2_node2
node3=kv2_node3
broker=rabbitmq
work=""        # folder of what was acknowledged and refused, and of logs
passed=0
failed=0
created=0      # containers may exist that are ours to remove
writer=""      # process id of the writer in the background
cut_with=""    # how cut_off did it

# ---------------------------------------------------------------- running

# Says why nothing can be tested here.
refuse() {
  echo "Container tests: $*" >&2
  exit 2
}

need_docker() {
  command -v docker > /dev/null || refuse "docker is missing: https://docs.docker.com/engine/install/."
  docker info > /dev/null 2>&1 || refuse "no Docker engine answers: is it started, and may you use it?"
  docker compose version > /dev/null 2>&1 ||
    refuse "docker compose (version 2) is missing: https://docs.docker.com/compose/install/."
  docker buildx version > /dev/null 2>&1 ||
    refuse "docker buildx (BuildKit) is missing: https://docs.docker.com/build/install-buildx/."
  command -v curl > /dev/null || refuse "curl is missing."
}

# The names are fixed, so a cluster that is there is somebody's: it is left alone.
refuse_if_in_use() {
  local name
  for name in "$broker" "$node1" "$node2" "$node3"; do
    if docker container inspect "$name" > /dev/null 2>&1; then
      refuse "there is a container $name already. Remove that cluster first: 'docker compose -f" \
        "docker/compose.yaml down', or 'docker compose -p $project -f docker/compose.yaml down -v' if a" \
        "test that broke off left it."
    fi
  done
}

make_work_folder() {
  work="$(mktemp -d -t kv-containers.XXXXXX)"
  touch "$work/acknowledged" "$work/refused"
}

# Without the caller's own settings, which would move the ports.
compose() {
  env -u COMPOSE_FILE -u COMPOSE_PROFILES KV_PUBLISH_ADDRESS=127.0.0.1 \
    docker compose -p "$project" -f "$root/docker/compose.yaml" "$@"
}

section() { echo "== $1 ($SECONDS s)"; }

# check SENTENCE COMMAND...: counts, and shows the command's output when it fails.
check() {
  local sentence="$1" start=$SECONDS
  shift
  if "$@" > "$work/output" 2>&1; then
    passed=$((passed + 1))
    echo "  ok      $sentence ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1))
    echo "  FAILED  $sentence ($((SECONDS - start)) s)"
    tail -n 30 "$work/output" | sed 's/^/            /'
  fi
}

# eventually SECONDS COMMAND...: again and again until it succeeds.
eventually() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

tear_down() {
  local status=$?
  trap - EXIT
  stop_writer
  if [ "$created" = 1 ]; then
    keep_logs
    compose down -v --remove-orphans > "$work/output" 2>&1 || cat "$work/output" >&2
  fi
  if [ "$failed" = 0 ] && [ "$status" = 0 ]; then
    rm -rf "$work"
  else
    echo "The containers' logs are in $work."
    [ "$failed" -gt 0 ] || failed=1   # it broke off
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] || exit 1
}

# ---------------------------------------------------------------- the cluster

build_image() { compose build; }

start_cluster() {
  created=1
  compose up -d --wait --wait-timeout 120
}

probe_says_no() {
  local code=0
  docker run --rm --entrypoint kv-host replicated-kv health || code=$?
  [ "$code" = 1 ]
}

run_as_user() { [ "$(docker exec "$node1" id -u)" != 0 ]; }

versions_match() {
  local version
  version="$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$root/Directory.Build.props")"
  [ "$(docker exec "$node1" kv-host --version)" = "$version" ]
}

node_starts() { docker inspect -f '{{.Name}} {{.State.StartedAt}}' "$node1" "$node2" "$node3"; }

stop_nodes() {
  compose stop "$node1" "$node2" "$node3" || return 1
  docker inspect -f '{{.Name}} {{.State.ExitCode}}' "$node1" "$node2" "$node3" | tee "$work/exits"
  ! grep -qv ' 0$' "$work/exits"
}

# Removed containers take their logs with them.
keep_logs() {
  local name
  for name in "$broker" "$node1" "$node2" "$node3"; do
    docker logs "$name" >> "$work/$name.log" 2>&1 || true
  done
}

take_down() {
  keep_logs
  compose down
}

# A part that fails by a bug is started anew, and all looks well: the log knows.
no_error_in_log() {
  ! { cat "$work/$1.log"; docker logs "$1" 2>&1; } | grep -E ' (ERR|FTL) '
}

# ---------------------------------------------------------------- reads and writes over HTTP

http_port() {
  case "$1" in
    "$node1") echo 8080 ;;
    "$node2") echo 8081 ;;
    "$node3") echo 8082 ;;
  esac
}

# http NODE PATH [CURL OPTION...]: the reply's body; its HTTP status and the seconds it took on a last line.
http() {
  local node="$1" path="$2"
  shift 2
  curl -sS -m 20 -w '\n%{http_code} %{time_total}\n' "$@" "http://127.0.0.1:$(http_port "$node")$path"
}

# set_key NODE KEY NUMBER: succeeds when the write is acknowledged. What the node said is noted down, so a
# key that may be refused must be a new one each time.
set_key() {
  local answer
  answer="$(http "$1" "/v1/keys/$2" -X PUT -H 'content-type: application/json' \
    -d "{\"value_json\":\"$3\"}")" || true
  echo "$answer"
  case "$answer" in
    *$'\n200 '*) echo "$2 $3" >> "$work/acknowledged" ;;
    # UNAVAILABLE promises that nothing was written.
    *$'\n503 '*) echo "$2" >> "$work/refused"; return 1 ;;
    *) return 1 ;;
  esac
}

set_many() {
  local i
  for i in $(seq "$3"); do set_key "$1" "$2-$i" "$i" || return 1; done
}

# Tries a new key each time: one that was refused before stays unwritten.
set_some_key() { set_key "$1" "$(new_key "$2")" 1; }

new_key() { echo "$1-$SECONDS-$RANDOM$RANDOM"; }

# is_refused_fast NODE: a write is refused as UNAVAILABLE, within 5 s.
is_refused_fast() {
  local answer
  answer="$(set_some_key "$1" refused)" && return 1
  echo "$answer"
  [[ "$answer" == *'"code":14'* && "$answer" =~ $'\n503 '[0-4]\. ]]
}

reads() { get_and_compare "$1" "/v1/keys/$2" "$3"; }

reads_local() { get_and_compare "$1" "/v1/keys/$2?consistency=LOCAL" "$3"; }

get_and_compare() {
  local answer
  answer="$(http "$1" "$2")" || true
  echo "$answer"
  [[ "$answer" == *"\"valueJson\":\"$3\""* ]]
}

is_ready() { [ "$(http "$1" /readyz | head -n 1)" = ready ]; }

# has_all NODE: a read through the log shows every acknowledged write, and none that was refused.
has_all() {
  http "$1" /v1/keys > "$work/page" || return 1
  grep -o '"key":"[^"]*","valueJson":"[^"]*"' "$work/page" |
    sed 's/"key":"\(.*\)","valueJson":"\(.*\)"/\1 \2/' > "$work/present"
  # shellcheck disable=SC2016  # the $ are awk's
  awk '
    FILENAME == ARGV[1] { acknowledged[$1] = $2; next }
    FILENAME == ARGV[2] { refused[$1]; next }
    { present[$1] = $2; keys++ }
    END {
      for (key in acknowledged) if (present[key] != acknowledged[key]) { print "lost: " key; wrong++ }
      for (key in refused) if (key in present) { print "refused, and yet there: " key; wrong++ }
      exit wrong > 0 || keys == 0
    }' "$work/acknowledged" "$work/refused" "$work/present"
}

digests_agree() {
  local node
  for node in "$node1" "$node2" "$node3"; do
    http "$node" /v1/status | grep -o '"appliedOffset":[0-9]*\|"digest":"[^"]*"' | tr '\n' ' '
    echo
  done | tee "$work/digests"
  [ "$(sort -u "$work/digests" | wc -l)" = 1 ] && grep -q '"appliedOffset":[1-9].*"digest":"[^"]' "$work/digests"
}

# ---------------------------------------------------------------- kv inside the containers

# kv NODE TARGET WORD...: the node's container is where kv runs.
kv() { docker exec "$1" kv --target "$2" "${@:3}"; }

kv_set() {
  kv "$1" "$2" set "$3" "$4" || return 1
  echo "$3 $4" >> "$work/acknowledged"
}

kv_reads() { [ "$(kv "$1" "$2" get "$3" | tee /dev/stderr)" = "$4" ]; }

kv_reads_local() { [ "$(kv "$1" localhost:50051 get "$2" --local | tee /dev/stderr)" = "$3" ]; }

# kv_is_refused NODE: exit code 3 is UNAVAILABLE, nothing was written.
kv_is_refused() { [ "$(kv_set_code "$1")" = 3 ]; }

# kv_is_not_served NODE: refused, or (exit code 4) its outcome is unknown.
kv_is_not_served() { [[ "$(kv_set_code "$1")" == [34] ]]; }

kv_is_data_loss() { [ "$(kv_set_code "$1")" = 6 ]; }

# The exit code of a write on the node.
kv_set_code() {
  local key code=0
  key="$(new_key "kv-refused")"
  kv "$1" localhost:50051 set "$key" 1 >&2 || code=$?
  case "$code" in
    0) echo "$key 1" >> "$work/acknowledged" ;;
    3) echo "$key" >> "$work/refused" ;;
  esac
  echo "$code" | tee /dev/stderr
}

# kv_prompt_sets KEY NUMBER: what README tells people to type, in a terminal.
kv_prompt_sets() {
  local prompt="docker exec -it $node1 kv --target $node1:50051"
  printf 'set %s %s\nget %s\nexit\n' "$1" "$2" "$1" |
    timeout 60 script -qec "$prompt" /dev/null || return 1
  echo "$1 $2" >> "$work/acknowledged"
}

# ---------------------------------------------------------------- load and faults

start_writer() {
  rm -f "$work/stop"
  (
    i=0
    until [ -e "$work/stop" ]; do
      i=$((i + 1))
      set_key "$1" "$2-$i" "$i" || true
    done
  ) > /dev/null 2>&1 &
  writer=$!
  writer_prefix="$2"
}

writer_acknowledged() { [ "$(grep -c "^$writer_prefix-" "$work/acknowledged")" -ge "$1" ]; }

stop_writer() {
  if [ -n "$writer" ]; then
    touch "$work/stop"
    wait "$writer" || true
    writer=""
  fi
}

# Cuts a node from the broker alone where this process may enter the container's network; else from all.
cut_off() {
  local pid
  pid="$(docker inspect -f '{{.State.Pid}}' "$1")"
  if [ "$(id -u)" = 0 ] && grep -q "$(docker inspect -f '{{.Id}}' "$1")" "/proc/$pid/cgroup" 2> /dev/null &&
    nsenter -t "$pid" -n iptables -w -A OUTPUT -p tcp --dport 5672 -j DROP &&
    nsenter -t "$pid" -n iptables -w -A INPUT -p tcp --sport 5672 -j DROP; then
    cut_with=iptables
  else
    cut_with=disconnect
    docker network disconnect "${project}_default" "$1"
  fi
}

heal() {
  if [ "$cut_with" = iptables ]; then
    nsenter -t "$(docker inspect -f '{{.State.Pid}}' "$1")" -n iptables -w -F
  else
    docker network connect --alias "$1" "${project}_default" "$1"
  fi
}

# lose_volume SERVICE VOLUME: as if the machine had been replaced.
lose_volume() {
  keep_logs
  compose rm -s -f "$1" && docker volume rm "${project}_$2"
}

is_halted() { http "$1" /v1/status | grep '"state":"halted"'; }

# broker_has_dropped NODE: no connection of the node is left.
broker_has_dropped() {
  docker exec "$broker" rabbitmqctl -q list_connections client_properties > "$work/connections" || return 1
  ! grep -q "kv $1 " "$work/connections"
}
