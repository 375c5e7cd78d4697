using Akka;
using Akka.Streams.Dsl;
using Kv.Actors.Log;

namespace Kv.Actors.Tests.Publishing;

/// <summary>A log whose appends end when, and how, the test says.</summary>
internal sealed class FakeLog : IReplicationLog
{
    private readonly Lock _lock = new();
    private readonly Queue<(byte[] Entry, TaskCompletionSource Done)> _appends = [];
    private readonly SemaphoreSlim _arrived = new(0);

    public Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _appends.Enqueue((entry.ToArray(), done));
        }
        _arrived.Release();
        return done.Task;
    }

    /// <summary>The next append, in the order of the calls.</summary>
    internal async Task<(byte[] Entry, TaskCompletionSource Done)> NextAppendAsync()
    {
        Assert.True(await _arrived.WaitAsync(TimeSpan.FromSeconds(10)), "Nothing was appended.");
        lock (_lock)
        {
            return _appends.Dequeue();
        }
    }

    /// <summary>Appends that were made and not yet taken by <see cref="NextAppendAsync"/>.</summary>
    internal int AppendsWaiting => _arrived.CurrentCount;

    public Source<IReadOnlyList<LogRecord>, NotUsed> Read(long fromOffset) =>
        Source.Never<IReadOnlyList<LogRecord>>();

    public Source<IReadOnlyList<LogRecord>, Task> ReadTail() =>
        Source.Never<IReadOnlyList<LogRecord>>().MapMaterializedValue(static _ => Task.CompletedTask);

    public ValueTask DisposeAsync()
    {
        _arrived.Dispose();
        return ValueTask.CompletedTask;
    }
}
