using System.Globalization;
using Google.Protobuf;
using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Protos.Etcd;

namespace Kv.Cli.Lines;

/// <summary>From the words of a command to a request of etcd's protocol. Pure.</summary>
internal static class EtcdParser
{
    /// <summary>How long a lock outlives a holder that is gone, s, as with etcdctl.</summary>
    private const long LockTtlSecondsDefault = 60;

    /// <summary>Longest lease taken, s: etcd's bound.</summary>
    private const long TtlSecondsMax = 9_000_000_000;

    private const string LeaseForms =
        "lease needs grant TTL, revoke ID, keep-alive ID, ttl ID or list: see kv --help.";

    /// <returns>Null when the verb is none of etcd's.</returns>
    /// <exception cref="UsageException">The words are not understood.</exception>
    public static Command? TryParse(string verb, CommandOptions options) => verb.ToUpperInvariant() switch
    {
        "PUT" => new Command.Put(Put(options)) { RequestId = RequestId(options) },
        "RANGE" => new Command.Range(Range(options)),
        "TXN" => new Command.Txn(Request: null) { RequestId = RequestId(options) },
        "COMPACT" => new Command.Compact(Compact(options)) { RequestId = RequestId(options) },
        "WATCH" => new Command.Watch(Watch(options)),
        "LEASE" => Lease(options),
        "LOCK" => new Command.Lock(
            options.Word("lock needs a name, such as lock backup."),
            Number(options, "--ttl", "seconds", TtlSecondsMax) ?? LockTtlSecondsDefault,
            [.. options.TakeWords().Select(word => word.Text)]),
        _ => null,
    };

    /// <summary>KEY VALUE and what goes with it.</summary>
    public static PutRequest Put(CommandOptions options)
    {
        bool isBase64 = options.TakeFlag("--base64");
        var request = new PutRequest
        {
            Key = EtcdBytes.FromWord(options.Key(), isBase64),
            PrevKv = options.TakeFlag("--prev-kv"),
            IgnoreValue = options.TakeFlag("--ignore-value"),
            IgnoreLease = options.TakeFlag("--ignore-lease"),
        };
        if (!request.IgnoreValue)
        {
            request.Value = EtcdBytes.FromWord(
                options.Word("put needs a key and a value, such as put greeting hello."), isBase64);
        }

        if (options.TakeValue("--lease") is { } lease)
        {
            request.Lease = EtcdBytes.ParseLease(lease);
        }

        return request;
    }

    /// <summary>KEY [END] and what goes with it.</summary>
    public static RangeRequest Range(CommandOptions options)
    {
        (ByteString key, ByteString end) = KeyAndEnd(options);
        var request = new RangeRequest
        {
            Key = key,
            RangeEnd = end,
            Limit = Number(options, "--limit", "keys") ?? 0,
            Revision = Revision(options),
            KeysOnly = options.TakeFlag("--keys-only"),
            CountOnly = options.TakeFlag("--count-only"),
            Serializable = options.TakeFlag("--serializable"),
        };
        string? order = options.TakeValue("--order");
        request.SortTarget = Choice(
            "--sort-by", options.TakeValue("--sort-by"), RangeRequest.Types.SortTarget.Key);
        request.SortOrder = order?.ToUpperInvariant() switch
        {
            // A target without an order means nothing to etcd.
            null => request.SortTarget == RangeRequest.Types.SortTarget.Key
                ? RangeRequest.Types.SortOrder.None
                : RangeRequest.Types.SortOrder.Ascend,
            "ASC" or "ASCEND" => RangeRequest.Types.SortOrder.Ascend,
            "DESC" or "DESCEND" => RangeRequest.Types.SortOrder.Descend,
            _ => throw new UsageException($"--order {order} is unknown: give ASC or DESC."),
        };
        return request;
    }

    /// <summary>KEY [END] and what goes with it.</summary>
    public static DeleteRangeRequest Delete(CommandOptions options)
    {
        (ByteString key, ByteString end) = KeyAndEnd(options);
        return new DeleteRangeRequest
        {
            Key = key,
            RangeEnd = end,
            PrevKv = options.TakeFlag("--prev-kv"),
        };
    }

    private static WatchCreateRequest Watch(CommandOptions options)
    {
        (ByteString key, ByteString end) = KeyAndEnd(options);
        return new WatchCreateRequest
        {
            Key = key,
            RangeEnd = end,
            StartRevision = Revision(options),
            PrevKv = options.TakeFlag("--prev-kv"),
            ProgressNotify = options.TakeFlag("--progress"),
        };
    }

    private static CompactionRequest Compact(CommandOptions options) => new()
    {
        Revision = Number(
            options.Word("compact needs a revision, such as compact 1000."), "compact", "a revision"),
        Physical = options.TakeFlag("--physical"),
    };

    private static Command.Lease Lease(CommandOptions options)
    {
        string verb = options.Word(LeaseForms);
        return verb.ToUpperInvariant() switch
        {
            "GRANT" => new Command.LeaseGrant(
                Number(
                    options.Word("lease grant needs a time to live in seconds, such as lease grant 60."),
                    "lease grant",
                    "seconds",
                    TtlSecondsMax),
                options.TakeValue("--id") is { } id ? EtcdBytes.ParseLease(id) : 0)
            {
                RequestId = RequestId(options),
            },
            "REVOKE" => new Command.LeaseRevoke(Id()) { RequestId = RequestId(options) },
            "KEEP-ALIVE" => new Command.LeaseKeepAlive(Id(), options.TakeFlag("--once")),
            "TTL" or "TIMETOLIVE" => new Command.LeaseTtl(Id(), options.TakeFlag("--keys")),
            "LIST" => new Command.LeaseList(),
            _ => throw new UsageException($"unknown command lease {KeyText.Show(verb)}: {LeaseForms}"),
        };

        long Id() => EtcdBytes.ParseLease(options.Word(
            $"lease {verb.ToLowerInvariant()} needs the lease's id, as lease grant or lease list shows it."));
    }

    private static (ByteString Key, ByteString End) KeyAndEnd(CommandOptions options)
    {
        bool isBase64 = options.TakeFlag("--base64");
        bool isPrefix = options.TakeFlag("--prefix");
        bool isFromKey = options.TakeFlag("--from-key");
        ByteString key = EtcdBytes.FromWord(
            isPrefix || isFromKey ? options.OptionalWord() : options.Key(), isBase64);
        if (isPrefix || isFromKey)
        {
            ByteString end = isFromKey ? EtcdBytes.NoEnd : EtcdBytes.PrefixEnd(key);
            return isPrefix && isFromKey
                ? throw new UsageException("--prefix and --from-key exclude each other.")
                : (key.IsEmpty ? EtcdBytes.NoEnd : key, end);
        }

        string word = options.OptionalWord();
        return (key, EtcdBytes.FromWord(word, isBase64));
    }

    private static string? RequestId(CommandOptions options)
    {
        string? text = options.TakeValue("--request-id");
        return text is null || Core.Entries.RequestId.TryParse(text, out _)
            ? text
            : throw new UsageException(
                $"--request-id {text} is no request id: 32 hexadecimal digits, such as a UUID, the same for "
                + "each repetition of the command.");
    }

    private static long Revision(CommandOptions options) => Number(options, "--rev", "revision") ?? 0;

    private static long? Number(
        CommandOptions options, string name, string what, long max = long.MaxValue) =>
        options.TakeValue(name) is { } text ? Number(text, name, what, max) : null;

    private static long Number(string text, string name, string what, long max = long.MaxValue) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number >= 1 && number <= max
            ? number
            : throw new UsageException($"{name} {text} is out of range: give {what} from 1.");

    private static TChoice Choice<TChoice>(string name, string? text, TChoice unsaid)
        where TChoice : struct, Enum
    {
        if (text is null)
        {
            return unsaid;
        }

        string[] names = Enum.GetNames<TChoice>();
        return names.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? Enum.Parse<TChoice>(text, ignoreCase: true)
            : throw new UsageException(
                $"{name} {text} is unknown: give one of {string.Join(", ", names).ToUpperInvariant()}.");
    }
}
