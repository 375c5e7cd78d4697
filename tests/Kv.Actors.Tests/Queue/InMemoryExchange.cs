using System.Threading.Channels;
using Akka.Streams.Dsl;
using Kv.Actors.Fanouts;
using Kv.Actors.Log;

namespace Kv.Actors.Tests.Queue;

/// <summary>A fanout exchange in memory, with faults on request.</summary>
public sealed class InMemoryExchange
{
    private readonly Lock _gate = new();
    private readonly List<InMemoryFanout> _fanouts = [];

    /// <summary>Every message published, in order, with the times it was published.</summary>
    public List<FanoutMessage> Published { get; } = [];

    /// <summary>Whether a message reaches a node; all do unless this is set.</summary>
    public Func<FanoutMessage, string, bool> Reaches { get; set; } = (_, _) => true;

    public InMemoryFanout Open(string nodeId)
    {
        var fanout = new InMemoryFanout(this, nodeId);
        lock (_gate) { _fanouts.Add(fanout); }
        return fanout;
    }

    public void Publish(FanoutMessage message)
    {
        lock (_gate)
        {
            Published.Add(message);
            foreach (InMemoryFanout fanout in _fanouts)
            {
                if (Reaches(message, fanout.NodeId)) { fanout.Deliver(message); }
            }
        }
    }

    public FanoutMessage[] PublishedSoFar()
    {
        lock (_gate) { return [.. Published]; }
    }
}

/// <summary>
/// One node's side of an <see cref="InMemoryExchange"/>: its queue lives as long as its stream.
/// </summary>
public sealed class InMemoryFanout(InMemoryExchange exchange, string nodeId) : IFanout
{
    private readonly Lock _gate = new();
    private Channel<FanoutDelivery>? _queue;
    private TaskCompletionSource? _held;
    private bool _isDown;

    public string NodeId { get; } = nodeId;

    public int Acknowledged { get; private set; }

    public string? UnavailableBecause => _isDown ? "the test took the broker away" : null;

    /// <summary>The next publishes fail with this after the exchange took them; null: they do not.</summary>
    public Exception? FailAfterPublish { get; set; }

    public async Task PublishAsync(FanoutMessage message, CancellationToken stopping)
    {
        if (_isDown) { throw new LogUnavailableException("The test took the broker away."); }
        exchange.Publish(message);
        if (FailAfterPublish is { } failure) { throw failure; }
        if (_held is { } held) { await held.Task.WaitAsync(stopping); }
    }

    public Source<IReadOnlyList<FanoutDelivery>, Task> Deliveries() =>
        Source.Lazily(() =>
            {
                if (_isDown) { throw new LogUnavailableException("The test took the broker away."); }
                Channel<FanoutDelivery> queue = Channel.CreateUnbounded<FanoutDelivery>();
                lock (_gate) { _queue = queue; }
                return ChannelSource.FromReader(queue.Reader);
            })
            .Select(delivery => (IReadOnlyList<FanoutDelivery>)[delivery])
            .MapMaterializedValue(materialized => (Task)materialized);

    /// <summary>
    /// The connection breaks; what was in the queue is lost, and nothing works until <see cref="Up"/>.
    /// </summary>
    public void Down()
    {
        lock (_gate)
        {
            _isDown = true;
            _queue?.Writer.TryComplete(new LogUnavailableException("The test broke the connection."));
            _queue = null;
        }
    }

    public void Up() => _isDown = false;

    /// <summary>Publishes reach the exchange but their confirms do not come.</summary>
    public void HoldConfirms() => _held = new TaskCompletionSource();

    public ValueTask DisposeAsync()
    {
        Down();
        return ValueTask.CompletedTask;
    }

    internal void Deliver(FanoutMessage message)
    {
        lock (_gate)
        {
            _queue?.Writer.TryWrite(new FanoutDelivery(message.Body, message.Headers, () => Acknowledged++));
        }
    }
}
