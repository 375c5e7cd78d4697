using System.Text;
using System.Text.Unicode;
using Kv.Core.Merge;

namespace Kv.Actors.Queue;

/// <summary>
/// What we add to a message, in AMQP headers, so that the body stays the original's. All or none.
/// </summary>
public static class MessageHeaders
{
    /// <summary>Lamport time, 64-bit integer.</summary>
    public const string Lamport = "kv-lamport";

    /// <summary>Node id, text.</summary>
    public const string Node = "kv-node";

    /// <summary>Which run of the node, 64-bit integer.</summary>
    public const string Incarnation = "kv-incarnation";

    /// <summary>Number of the message among those of this run, from 1, 64-bit integer.</summary>
    public const string Sequence = "kv-seq";

    public static IReadOnlyDictionary<string, object?> Of(MessageOrigin origin) =>
        new Dictionary<string, object?>
    {
        [Lamport] = origin.Time,
        [Node] = origin.NodeId,
        [Incarnation] = origin.Incarnation,
        [Sequence] = origin.Sequence,
    };

    /// <summary>Reads them; none at all is a plain message.</summary>
    /// <param name="clock">This node's Lamport time, which a message may not set forward too far.</param>
    /// <param name="problem">What is wrong with them, for a log; null if nothing is.</param>
    public static bool TryRead(
        IReadOnlyDictionary<string, object?> headers, long clock, out MessageOrigin? origin,
        out string? problem)
    {
        origin = null;
        problem = null;
        int present = (headers.ContainsKey(Lamport) ? 1 : 0) + (headers.ContainsKey(Node) ? 1 : 0)
            + (headers.ContainsKey(Incarnation) ? 1 : 0) + (headers.ContainsKey(Sequence) ? 1 : 0);
        if (present == 0) { return true; }
        if (Number(headers, Lamport) is not { } time || time > MergeLimits.TimeMax)
        {
            problem = $"has no valid {Lamport} header";
        }
        else if (time - clock > MergeLimits.TimeLeapMax)
        {
            problem = $"has a {Lamport} header absurdly far ahead of this node's clock";
        }
        else if (Text(headers, Node) is not { } node)
        {
            problem = $"has no valid {Node} header";
        }
        else if (Number(headers, Incarnation) is not { } incarnation)
        {
            problem = $"has no valid {Incarnation} header";
        }
        else if (Number(headers, Sequence) is not { } sequence)
        {
            problem = $"has no valid {Sequence} header";
        }
        else
        {
            origin = new MessageOrigin(time, node, incarnation, sequence);
        }
        return problem is null;
    }

    /// <summary>A positive integer in whatever width the sender's library chose.</summary>
    private static long? Number(IReadOnlyDictionary<string, object?> headers, string name)
    {
        headers.TryGetValue(name, out object? header);
        long? number = header switch
        {
            long wide => wide,
            int narrow => narrow,
            short small => small,
            byte tiny => tiny,
            _ => null,
        };
        return number > 0 ? number : null;
    }

    /// <summary>AMQP delivers text as bytes.</summary>
    private static string? Text(IReadOnlyDictionary<string, object?> headers, string name)
    {
        headers.TryGetValue(name, out object? header);
        string? text = header switch
        {
            string given => given,
            byte[] bytes when Utf8.IsValid(bytes) => Encoding.UTF8.GetString(bytes),
            _ => null,
        };
        bool isValid = text is { Length: > 0 }
            && Encoding.UTF8.GetByteCount(text) <= MergeLimits.NameBytesMax;
        return isValid ? text : null;
    }
}
