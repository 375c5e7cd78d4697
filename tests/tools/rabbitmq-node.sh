#!/bin/bash
# A private RabbitMQ node as a plain process: own data, ports, cookie and epmd; nothing shared with a system broker.
#
#   BROKER_DIR=/tmp/x BROKER_PORT=21000 BROKER_DIST_PORT=21001 BROKER_EPMD_PORT=21002 rabbitmq-node.sh start
#
#   start    boots the node (7 to 10 s) and returns when it listens; data from an earlier start is kept
#   stop     stops it in good order          kill     kill -9          pause, resume    SIGSTOP, SIGCONT
#   ctl ...  rabbitmqctl ...                 join N   makes it, fresh, a member of node N's cluster
#   clean    kills it, ends its epmd if no other node uses it, and deletes BROKER_DIR
#
# Optional: BROKER_NAME (rabbit), BROKER_PLUGINS (none; Erlang list items), BROKER_OWNER_PID: when that process is
# gone, so is the node. A cluster is several nodes with names, directories and ports of their own and one epmd port.
# BROKER_HOST: the host part of its name, instead of localhost; it then listens on all addresses, for a network
# namespace of its own in which all members' hosts have addresses. BROKER_CONFIG: more lines for rabbitmq.conf.
set -u
dir=${BROKER_DIR:?} port=${BROKER_PORT:?} dist_port=${BROKER_DIST_PORT:?} epmd_port=${BROKER_EPMD_PORT:?}
host=${BROKER_HOST:-localhost}
node=${BROKER_NAME:-rabbit}@$host
if [ "$host" = localhost ]; then listen=127.0.0.1 listen_erl=127,0,0,1; else listen=0.0.0.0 listen_erl=0,0,0,0; fi
bin=/usr/lib/rabbitmq/bin
cookie=kv-test

# The scripts under /usr/sbin insist on the rabbitmq user and the system's directories; these do not.
[ -d "$bin" ] || { echo "RabbitMQ is not installed ($bin is missing): run ./test, which installs it." >&2; exit 3; }

export HOME=$dir RABBITMQ_NODENAME=$node RABBITMQ_NODE_PORT=$port RABBITMQ_DIST_PORT=$dist_port \
  ERL_EPMD_PORT=$epmd_port ERL_CRASH_DUMP=$dir/erl_crash.dump \
  RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_LOGS=$dir/log/rabbit.log \
  RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf \
  RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_PID_FILE=$dir/pid \
  RABBITMQ_CTL_ERL_ARGS="-setcookie $cookie" \
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {$listen_erl} -setcookie $cookie +sbwt none +sbwtdcpu none +sbwtdio none"

# On all addresses epmd listens by itself; told so, it trips over the loopback that it adds.
[ "$host" != localhost ] || export ERL_EPMD_ADDRESS=127.0.0.1

# The number in a pid file may be another process's by now: only one that was started on our directory is signalled.
is_ours() { grep -qzxF "RABBITMQ_MNESIA_BASE=$dir/mnesia" "/proc/$1/environ" 2>/dev/null; }
signal() { local pid; pid=$(cat "$dir/pid") && is_ours "$pid" && kill "-$1" "$pid"; }
# Returns when the process is gone: until then its port and its files are taken.
end() {
  local pid; pid=$(cat "$dir/pid") && is_ours "$pid" && kill -9 "$pid" || return
  for _ in $(seq 100); do is_ours "$pid" || return 0; sleep 0.1; done
  return 1
}
ctl() { "$bin/rabbitmqctl" -q -n "$node" "$@"; }
is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

write_config() {
  mkdir -p "$dir/log"
  [ -e "$dir/enabled_plugins" ] || echo "[${BROKER_PLUGINS-}]." > "$dir/enabled_plugins"
  [ -e "$dir/rabbitmq.conf" ] || cat > "$dir/rabbitmq.conf" <<CONF
listeners.tcp.default = $listen:$port
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
${BROKER_CONFIG-}
CONF
}

# Ends the node when its owner has died without ending it.
watch_owner() {
  while kill -0 "$BROKER_OWNER_PID" 2>/dev/null; do
    is_ours "$1" || exit 0
    sleep 1
  done
  "$0" clean
}

start() {
  if [ -s "$dir/pid" ] && is_ours "$(cat "$dir/pid")"; then echo "$node runs already" >&2; return 1; fi
  write_config
  rm -f "$dir/pid"
  setsid nohup "$bin/rabbitmq-server" > "$dir/out" 2>&1 < /dev/null &
  local server=$!
  for _ in $(seq 600); do
    if [ -s "$dir/pid" ] && is_listening; then
      # Its own output, so that who waits for the end of ours is not kept waiting.
      if [ -n "${BROKER_OWNER_PID-}" ]; then
        watch_owner "$(cat "$dir/pid")" > /dev/null 2>&1 < /dev/null &
      fi
      return 0
    fi
    kill -0 $server 2>/dev/null || break
    sleep 0.1
  done
  echo "RabbitMQ did not start; the last of $dir/out:" >&2
  tail -n 20 "$dir/out" >&2
  return 1
}

case ${1:?start, stop, kill, pause, resume, ctl, join or clean} in
  start) start ;;
  stop) ctl shutdown --timeout 60 ;;
  kill) end ;;
  pause) signal STOP ;;
  resume) signal CONT ;;
  ctl) shift; ctl "$@" ;;
  join) ctl stop_app && ctl reset && ctl join_cluster "$2@$host" && ctl start_app ;;
  clean)
    end 2>/dev/null
    # epmd refuses while it knows of a node, and a killed one is known for a moment yet.
    for _ in $(seq 20); do
      epmd -port "$epmd_port" -kill 2>&1 | grep -q 'Killed\|Cannot connect\|cannot connect' && break
      sleep 0.1
    done
    rm -rf "$dir"
    ;;
  *) echo "unknown command $1" >&2; exit 2 ;;
esac
