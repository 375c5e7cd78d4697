using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Core.Watch;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Watch;

/// <summary>
/// A store, a hub and some streams in one hand: what lies between hub and streams waits until somebody says
/// go, and everything written is kept to compare with.
/// </summary>
internal sealed class WatchModel
{
    private readonly KeyValueStore _store = new();
    private readonly Queue<(Stream From, WatchOrder Order)> _orders = new();
    private readonly WatchHub _hub;
    private long _sequence;
    private long _told;

    public WatchModel()
    {
        _store.Apply(1, Entries.Genesis());
        _store.Apply(2, Entries.Register());
        _hub = new WatchHub(WatchHistory.Of(_store));
        _told = _store.Revision;
    }

    public long Revision => _store.Revision;

    public long Compacted => _store.CompactedRevision;

    public bool HasOrders => _orders.Count > 0;

    /// <summary>Everything written, in order, with the put before.</summary>
    public List<(KeyRecord Record, KeyRecord? Previous)> Written { get; } = [];

    public Stream Open() => new(this);

    /// <summary>Applies an entry of several commands and tells the hub, as a node does.</summary>
    public void Apply(params Command[] commands)
    {
        _sequence++;
        _store.Apply(10 + _sequence, Entries.Encode(2, _sequence, commands));
        List<KeyRecord> fresh = [];
        for (int at = _store.Mutations.Count - 1; at >= 0 && _store.Mutations[at].ModRevision > _told; at--)
        {
            fresh.Insert(0, _store.Mutations[at]);
        }
        _told = _store.Revision;
        Written.AddRange(fresh.Select(static record => (record, record.PreviousPut)));
        _hub.Add(
            [.. fresh.Select(static record => new WatchEvent(record, record.PreviousPut))],
            WatchHistory.Of(_store));
    }

    public void TakeOrder()
    {
        if (_orders.TryDequeue(out (Stream From, WatchOrder Order) next))
        {
            _hub.Take(next.From.Feed, next.Order);
        }
    }

    internal sealed class Stream
    {
        private readonly WatchModel _model;
        private readonly Queue<WatchNews> _news = new();
        private readonly WatchOutbox _outbox;

        public Stream(WatchModel model)
        {
            _model = model;
            Feed = new WatchFeed(_news.Enqueue);
            _outbox = new WatchOutbox(Feed);
        }

        public WatchFeed Feed { get; }

        public List<WatchReply> Replies { get; } = [];

        public int Settled { get; private set; }

        public bool IsIdle => _news.Count == 0 && !_outbox.IsBusy;

        public void Ask(WatchDemand demand) => _news.Enqueue(new WatchNews.Asked(demand));

        public void Tick() => _news.Enqueue(new WatchNews.Tick());

        public void TakeNews(int most = 1)
        {
            for (; most > 0 && _news.Count > 0; most--)
            {
                _outbox.Take(_news.Dequeue());
            }
            HandOn();
        }

        /// <returns>False: it had nothing to send.</returns>
        public bool Send()
        {
            WatchReply? reply = _outbox.Next();
            if (reply is not null)
            {
                Replies.Add(reply);
            }
            HandOn();
            return reply is not null;
        }

        private void HandOn()
        {
            foreach (WatchOrder order in _outbox.TakeOrders())
            {
                _model._orders.Enqueue((this, order));
            }
            Settled += _outbox.TakeSettled();
        }
    }
}
