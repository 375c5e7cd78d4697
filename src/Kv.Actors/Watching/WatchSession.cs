using System.Threading.Channels;
using Akka.Actor;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Watch;

namespace Kv.Actors.Watching;

/// <summary>
/// One client's stream of watches at a node. One loop asks (<see cref="AskAsync"/>), one sends what <see
/// cref="TryNext"/> gives; a client that reads slowly holds up its own stream only.
/// </summary>
public sealed class WatchSession : IAsyncDisposable
{
    // Bounded by the feed's bytes, the requests waiting and what each watch can be told in between.
    private readonly Channel<WatchNews> _news = Channel.CreateUnbounded<WatchNews>(
        new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim _requests = new(KvLimits.WatchRequestsWaitingMax);
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IActorRef _hub;
    private readonly WatchOutbox _outbox;
    private readonly ITimer? _ticker;
    private int _ticks;
    private KvException? _endedBecause;
    private volatile bool _isClosed;

    /// <param name="progressIntervalMs">
    /// From one time to the next that watches without events are told how far they are; 0: never.
    /// </param>
    internal WatchSession(IActorRef hub, TimeProvider clock, long progressIntervalMs)
    {
        _hub = hub;
        Feed = new WatchFeed(Post);
        _outbox = new WatchOutbox(Feed);
        var interval = TimeSpan.FromMilliseconds(progressIntervalMs);
        _ticker = progressIntervalMs == 0 ? null : clock.CreateTimer(_ => Tick(), null, interval, interval);
    }

    /// <summary>Cancelled when the node has ended the stream: nobody should wait for its client.</summary>
    public CancellationToken Ended => _ended.Token;

    internal WatchFeed Feed { get; }

    /// <summary>Its client has gone.</summary>
    internal bool IsClosed => _isClosed;

    internal Task Opened => _opened.Task;

    /// <summary>Hands a client's request in; waits while too many are unanswered.</summary>
    /// <exception cref="OperationCanceledException">By the token.</exception>
    public async Task AskAsync(WatchDemand demand, CancellationToken cancellation)
    {
        await _requests.WaitAsync(cancellation);
        Post(new WatchNews.Asked(demand));
    }

    /// <summary>The next message to the client; null: none now. The sending loop's only.</summary>
    public WatchReply? TryNext()
    {
        TakeNews();
        WatchReply? reply = _outbox.Next();
        HandOn();
        return reply;
    }

    /// <summary>
    /// Ends when <see cref="TryNext"/> is worth asking again. The sending loop's only.
    /// </summary>
    /// <exception cref="KvException">The node has ended the stream; the code says why.</exception>
    /// <exception cref="OperationCanceledException">By the token.</exception>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        ThrowIfEnded();
        if (_outbox.IsBusy)
        {
            // A long read of the history: others want to run, too.
            await Task.Yield();
            return;
        }
        await _news.Reader.WaitToReadAsync(cancellation);
        ThrowIfEnded();
    }

    /// <summary>Ends the stream from the node's side; the first reason counts. Any thread.</summary>
    public void End(KvException why)
    {
        if (Interlocked.CompareExchange(ref _endedBecause, why, null) is not null)
        {
            return;
        }
        _opened.TrySetException(why);
        // Whoever waits for it must not run here.
        _ = _ended.CancelAsync();
        // Any news wakes the sending loop.
        Post(new WatchNews.Tick());
    }

    public async ValueTask DisposeAsync()
    {
        if (_ticker is not null)
        {
            await _ticker.DisposeAsync();
        }
        _isClosed = true;
        _hub.Tell(new WatchHubActor.Close(this), ActorRefs.NoSender);
    }

    private void ThrowIfEnded()
    {
        if (Volatile.Read(ref _endedBecause) is { } why)
        {
            throw why;
        }
    }

    internal void Open() => _opened.TrySetResult();

    private void Post(WatchNews news) => _news.Writer.TryWrite(news);

    // While the client does not read, one is enough.
    private void Tick()
    {
        if (Interlocked.Exchange(ref _ticks, 1) == 0)
        {
            Post(new WatchNews.Tick());
        }
    }

    private void TakeNews()
    {
        while (_news.Reader.TryRead(out WatchNews? news))
        {
            if (news is WatchNews.Tick)
            {
                Interlocked.Exchange(ref _ticks, 0);
            }
            _outbox.Take(news);
        }
        HandOn();
    }

    private void HandOn()
    {
        IReadOnlyList<WatchOrder> orders = _outbox.TakeOrders();
        if (orders.Count > 0)
        {
            _hub.Tell(new WatchHubActor.Ordered(this, orders), ActorRefs.NoSender);
        }
        if (_outbox.TakeSettled() is > 0 and int settled)
        {
            _requests.Release(settled);
        }
    }
}
