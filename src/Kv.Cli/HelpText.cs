namespace Kv.Cli;

/// <summary>What <c>kv --help</c> and HELP say.</summary>
internal static class HelpText
{
    /// <summary>The version as released, such as 0.1.0.</summary>
    public static string Version => typeof(HelpText).Assembly.GetName().Version!.ToString(3);

    /// <summary>The commands and how words are read. Shown by HELP; part of <see cref="Process"/>.</summary>
    public const string Commands =
        """
        Commands (upper or lower case):
          SET KEY VALUE                            store a value
          GET KEY [--local]                        read one value
          DEL KEY                                  delete one key
          PRINT [PREFIX] [--limit N] [--after KEY] [--local]
                                                   read keys in bytewise order
          STATUS                                   what the node knows of itself and its peers
          CLUSTER-SIZE N                           say how many members the cluster is meant to have
          SNAPSHOT SAVE FILE [--halted]            the node's whole state, verified (--halted: even if it
                                                   has halted)
          SNAPSHOT STATUS FILE                     verify a snapshot and show what is in it
          SNAPSHOT RESTORE FILE --data-dir DIR [--cluster-size N]
                                                   a new data directory: the node that starts there founds a
                                                   new cluster with the snapshot's state
          HELP                                     this text
          EXIT or QUIT                             leave (also Ctrl-D)
          --local reads the asked node's own state at once, which may lag; -- ends the options.

        Commands in etcd's protocol, which also work on an etcd:
          PUT KEY VALUE [--lease ID] [--prev-kv] [--ignore-value] [--ignore-lease]
                                                   store the bytes of VALUE, one word, as they are
          RANGE KEY [END] | [PREFIX] --prefix | [KEY] --from-key
              [--limit N] [--rev N] [--keys-only] [--count-only] [--order ASC|DESC]
              [--sort-by KEY|VERSION|CREATE|MOD|VALUE] [--serializable]
                                                   read the keys from KEY to before END
          TXN                                      lines follow: compares, a blank line, commands if all
                                                   of them hold, a blank line, commands if not, a blank
                                                   line. A compare: mod("k") > "0" (mod, create, ver,
                                                   val, lease; = != < >). A command: PUT, GET as RANGE,
                                                   DEL KEY [END] [--prefix] [--from-key] [--prev-kv]
          WATCH KEY [END] [--prefix] [--from-key] [--rev N] [--prev-kv] [--progress]
                                                   show what changes, until Ctrl-C; goes on at another
                                                   target where the one left off
          LEASE GRANT SECONDS [--id ID] | REVOKE ID | KEEP-ALIVE ID [--once] | TTL ID [--keys] | LIST
                                                   ids are hexadecimal
          LOCK NAME [--ttl SECONDS] [COMMAND ARG...]
                                                   wait for a lock and hold it until Ctrl-C, or while
                                                   COMMAND runs (KV_LOCK_KEY, KV_LOCK_REVISION), which
                                                   is killed if the lock is lost; shows its key and the
                                                   revision that fences off earlier holders
          COMPACT REV [--physical]                 forget the history before a revision
          --base64: KEY, END and VALUE are base64. --request-id ID (32 hexadecimal digits; PUT, TXN,
          COMPACT, LEASE GRANT and REVOKE): applied once, however often and wherever it is sent.
          Bytes are shown as text if they are printable UTF-8, else as base64, marked so.

        Keys: one word. Quotes allow spaces: 'two words' is taken literally, "tab\there" as a JSON string.
        A quote counts only where a word begins: it's is a bare word.

        Values, by the first rule that fits:
          1. The rest of the line is JSON: it is stored as it stands.   set x 1    set x {"a": [1, 2]}
             A word in double quotes is such JSON, a string.            set x "1"  set x "two words"
          2. Single quotes only group, as in a shell: what is inside    set x '{"a": 1}'    (the object)
             is JSON, or else a string.                                 set x 'two words'   (a string)
          3. One bare word that is not JSON is a string.                set x hello
          What begins like JSON ({ [ ") but is not, and several words without quotes, are refused.

        """;

    public const string Process =
        $$"""
        kv - client of a ReplicatedKv cluster

        Usage:
          kv [options]                  commands from the terminal, or from a pipe one per line
          kv [options] COMMAND ...      one command, for example: kv set x 1

        Options (anywhere; -- ends them):
          --target HOST:PORT    a node; repeat it or separate several with commas
                                (default: $KV_TARGET, else {{CliOptions.TargetDefault}})
          --timeout SECONDS     longest wait for one answer of one node (default 5)
          --output text|json    json: one object per line, errors likewise on standard error
          --user NAME[:PASSWORD]
                                who asks, if the cluster wants to know (default: $KV_USER); without a
                                password the terminal is asked for it
          --keep-going          commands from a pipe: go on after a failed line
          --version, --help

        With several targets a command goes to the next one when the node cannot be reached or says
        UNAVAILABLE (nothing was written), and a read also when no answer comes. A write that may have
        arrived is never sent twice, unless it has a --request-id: its outcome is reported as unknown.

        {{Commands}}
        In a one-shot command the shell takes its quotes first; KEY and VALUE are then one argument each:
          kv set x '{"a": 1}'    kv set x 'two words'    kv set x '"1"'    kv set x -1

        From a pipe: blank lines and lines that begin with # are skipped; the first failed line ends the
        run unless --keep-going is given; the exit code is that of the first failure.

        Exit codes:
            0  done
            1  GET: no such key; LEASE TTL, KEEP-ALIVE: no such lease
            2  usage error, nothing was sent
            3  no node could be reached, served, or answered a read in time; nothing was written
            4  outcome unknown: a write was sent, but no answer came; it may have been applied
            5  refused by the server (INVALID_ARGUMENT, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ...)
            6  data loss: the node has halted
            7  the file is no snapshot, is damaged or cut, or is of a newer build
            8  a file or directory cannot be read or written, or is not empty
          130  interrupted with Ctrl-C, as a WATCH is meant to be; nothing was written
        LOCK with a COMMAND leaves with the code of that, 127 if it cannot be run, 3 if the lock was lost.

        Environment:
          KV_TARGET     default targets, separated by commas
          KV_USER       default of --user
          KV_HISTORY    history file of the prompt (default ~/.kv_history; empty: none is kept)
          NO_COLOR      no colours

        """;
}
