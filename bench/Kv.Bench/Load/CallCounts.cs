using System.Collections.Concurrent;
using Grpc.Core;

namespace Kv.Bench.Load;

/// <summary>How calls ended, by gRPC status and reason. Any thread.</summary>
internal sealed class CallCounts
{
    /// <summary>Of a reason; what follows are its figures.</summary>
    private const int ReasonCharsMax = 48;

    private readonly ConcurrentDictionary<(StatusCode Status, string Why), long> _ends = [];
    private long _offered;
    private long _notMade;

    public long Offered => Interlocked.Read(ref _offered);

    /// <summary>Calls that were due when as many as allowed were under way.</summary>
    public long NotMade => Interlocked.Read(ref _notMade);

    public long Ok => _ends.GetValueOrDefault((StatusCode.OK, ""));

    public void NoteOffered() => Interlocked.Increment(ref _offered);

    public void NoteNotMade() => Interlocked.Increment(ref _notMade);

    /// <param name="why">Empty: it went well.</param>
    public void NoteEnd(StatusCode status, string why) => _ends.AddOrUpdate(
        (status, why.Length > ReasonCharsMax ? why[..ReasonCharsMax] : why),
        1,
        static (_, count) => count + 1);

    public override string ToString() => string.Join(
        ", ",
        _ends.OrderBy(static pair => pair.Key).Select(
            static pair => $"{$"{pair.Key.Status} {pair.Key.Why}".TrimEnd()}: {pair.Value:n0}"));
}
