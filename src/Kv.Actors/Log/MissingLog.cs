using Akka;
using Akka.Streams.Dsl;

namespace Kv.Actors.Log;

/// <summary>
/// Stands for a log that a node belongs to and that is not there: the node comes up with what it has, halts,
/// and gives that out.
/// </summary>
/// <param name="why">For the node's log, its status and whoever calls it.</param>
public sealed class MissingLog(string why) : IReplicationLog
{
    public Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping) =>
        Task.FromException(new LogMissingException(why));

    public Source<IReadOnlyList<LogRecord>, NotUsed> Read(long fromOffset) =>
        Source.Failed<IReadOnlyList<LogRecord>>(new LogMissingException(why));

    public Source<IReadOnlyList<LogRecord>, Task> ReadTail() =>
        Source.Failed<IReadOnlyList<LogRecord>>(new LogMissingException(why))
            .MapMaterializedValue(_ => Task.FromException(new LogMissingException(why)));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
