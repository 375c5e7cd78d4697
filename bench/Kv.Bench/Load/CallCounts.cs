using System.Collections.Concurrent;
using Grpc.Core;

namespace Kv.Bench.Load;

/// <summary>How calls ended, by gRPC status. Any thread.</summary>
internal sealed class CallCounts
{
    private readonly ConcurrentDictionary<StatusCode, long> _byStatus = [];
    private long _offered;
    private long _notMade;

    public long Offered => Interlocked.Read(ref _offered);

    /// <summary>Calls that were due when as many as allowed were under way.</summary>
    public long NotMade => Interlocked.Read(ref _notMade);

    public long Ok => this[StatusCode.OK];

    public long this[StatusCode status] => _byStatus.GetValueOrDefault(status);

    public void NoteOffered() => Interlocked.Increment(ref _offered);

    public void NoteNotMade() => Interlocked.Increment(ref _notMade);

    public void NoteEnd(StatusCode status) =>
        _byStatus.AddOrUpdate(status, 1, static (_, count) => count + 1);

    public override string ToString() => string.Join(
        ", ",
        _byStatus.OrderBy(static pair => pair.Key).Select(static pair => $"{pair.Key} {pair.Value:n0}"));
}
