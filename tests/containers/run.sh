#!/usr/bin/env bash
# Builds the image, starts the cluster of docker/compose.yaml and puts it through faults: killed and paused
# nodes, a killed broker, a cut network, restarts. Ends with "N passed, N failed".
#   tests/containers/run.sh                  needs Docker with compose v2 and BuildKit, and curl
#   tests/containers/run.sh --local-images   first makes stand-ins for the public base images, for machines
#                                            without a container registry: see local-images.sh beside this
# The containers have the names and ports of docker/compose.yaml but volumes of their own, deleted at the
# end. Exit codes: 0 all passed, 1 a check failed, 2 it cannot run here.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
# shellcheck source-path=SCRIPTDIR source=cluster.sh
. "$here/cluster.sh"

case "${1:-}" in
  "") ;;
  --local-images) "$here/local-images.sh" || refuse "no local images could be made." ;;
  -h | --help)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *) refuse "unknown option $1; there is --local-images and --help." ;;
esac
need_docker
refuse_if_in_use
make_work_folder
trap tear_down EXIT

section "Build and start"
check "The image builds" build_image
check "The cluster is healthy within two minutes" start_cluster
[ "$failed" = 0 ] || exit 1   # without a cluster there is nothing to check
check "The node runs as an ordinary user" run_as_user
check "The host's version is the project's" versions_match
check "The health probe says yes of a ready node" docker exec "$node1" kv-host health
check "and no where none runs" probe_says_no

section "Read and write"
check "A value set on node 1" set_key "$node1" first 1
check "is read on node 2" reads "$node2" first 1
check "and, from its own state, soon on node 3" eventually 10 reads_local "$node3" first 1
check "kv inside node 1 sets a value" kv_set "$node1" "$node1:50051" typed 2
check "kv inside node 2 reads it, from node 2" kv_reads "$node2" "$node2:50051" typed 2
check "kv inside node 3 reads it, from node 1" kv_reads "$node3" "$node1:50051" typed 2
check "The kv prompt in a terminal sets a value" kv_prompt_sets prompt 3
check "and node 2 reads it" reads "$node2" prompt 3

section "A node is killed"
check "Node 2 is killed" docker kill "$node2"
check "Node 1 takes writes meanwhile" set_many "$node1" while-2-is-away-1 20
check "Node 3 takes writes meanwhile" set_many "$node3" while-2-is-away-3 20
check "Node 2 starts again" docker start "$node2"
check "It is ready within 60 s" eventually 60 is_ready "$node2"
check "It has every acknowledged write" has_all "$node2"
check "It takes writes" set_key "$node2" back-after-kill 1

section "The broker is killed under load"
started_before="$(node_starts)"
start_writer "$node1" busy
check "Writes are under way" eventually 30 writer_acknowledged 50
check "The broker is killed" docker kill "$broker"
check "Node 1 soon refuses writes as UNAVAILABLE" eventually 30 is_refused_fast "$node1"
stop_writer
for node in "$node1" "$node2" "$node3"; do
  check "$node refuses a write within 5 s" is_refused_fast "$node"
  check "$node goes on reading from its own state" reads_local "$node" first 1
done
check "kv says UNAVAILABLE with exit code 3" kv_is_refused "$node2"
check "The broker starts again" docker start "$broker"
for node in "$node1" "$node2" "$node3"; do
  check "$node takes writes again within 90 s" eventually 90 set_some_key "$node" broker-is-back
done
check "No node was restarted for it" test "$started_before" = "$(node_starts)"
for node in "$node1" "$node2" "$node3"; do
  check "$node has every acknowledged write and no refused one" has_all "$node"
done

section "One node is cut from the broker"
check "Node 3 is cut off" cut_off "$node3"
check "Node 1 takes writes meanwhile" set_many "$node1" while-3-is-cut-off 20
check "Node 3 reads from its own state" kv_reads_local "$node3" first 1
check "It takes no write" kv_is_not_served "$node3"
check "In time it refuses writes as UNAVAILABLE" eventually 90 kv_is_refused "$node3"
check "The network is healed" heal "$node3"
check "Node 3 takes writes again within 60 s" eventually 60 set_some_key "$node3" healed
check "It has every acknowledged write and no refused one" has_all "$node3"

section "A node stands still"
check "Node 1 is paused" docker pause "$node1"
check "Node 2 takes writes meanwhile" set_many "$node2" while-1-is-paused 20
check "The broker gives node 1 up" eventually 90 broker_has_dropped "$node1"
check "Node 1 goes on" docker unpause "$node1"
check "It takes writes again within 60 s" eventually 60 set_some_key "$node1" unpaused
check "It has every acknowledged write and no refused one" has_all "$node1"

section "Restarts"
check "All nodes stop when asked, with exit code 0" stop_nodes
check "They start again and are healthy" start_cluster
for node in "$node1" "$node2" "$node3"; do
  check "$node has every acknowledged write" has_all "$node"
done
check "The cluster is taken down, its volumes stay" take_down
check "It comes up again" start_cluster
check "Node 2 takes writes" set_key "$node2" after-down-and-up 1

section "A node loses its volume"
check "Node 3 is gone with all it had" lose_volume "$node3" node3
check "It comes up empty-handed" start_cluster
check "It has every acknowledged write" has_all "$node3"
check "It takes writes" set_key "$node3" new-volume 1

section "At the end"
check "All nodes come to the same offset with the same digest" eventually 30 digests_agree
for node in "$node1" "$node2" "$node3"; do
  check "$node has every acknowledged write and no refused one" has_all "$node"
  check "$node has logged no error" no_error_in_log "$node"
done

section "The broker loses its volume"
check "The broker is gone with the log" lose_volume "$broker" rabbitmq
check "An empty one takes its place" compose up -d --no-deps --wait "$broker"
for node in "$node1" "$node2" "$node3"; do
  check "$node halts within 60 s" eventually 60 is_halted "$node"
  check "and takes no write, as DATA_LOSS" kv_is_data_loss "$node"
done
