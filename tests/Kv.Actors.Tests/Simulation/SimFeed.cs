using Kv.Actors.Log;
using Kv.Actors.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// The stream from the log to a node's store: it reads a few runs ahead, hands over the next when the store
/// has acknowledged the last, and starts again from the store's resume point when the connection breaks.
/// Runs read before a break are still handed over after it, as by the real stream's sink.
/// </summary>
internal sealed class SimFeed(SimWorld world, SimNode node)
{
    private const int RunsAheadMax = 3;

    private readonly Queue<StoreActor.FeedRun> _ahead = [];
    private object? _connection;
    private long _nextOffset;
    private bool _isReading;
    private bool _isHandedOver;
    private StoreActor.ResumePoint? _point;

    internal void Start()
    {
        world.Log.Grown += ReadSoon;
        AskWhereToBegin();
    }

    internal void Stop()
    {
        world.Log.Grown -= ReadSoon;
        _connection = null;
        _ahead.Clear();
    }

    internal void Break(int downMs)
    {
        if (_connection is null)
        {
            return;
        }
        world.Transcript.Add($"{node.Id}        loses its feed for {downMs} ms");
        _connection = null;
        world.Time.In(downMs, AskWhereToBegin);
    }

    /// <summary>The store has taken a run and wants the next.</summary>
    internal void Acknowledge()
    {
        _isHandedOver = false;
        HandOver();
        ReadSoon();
    }

    private void AskWhereToBegin() => node.AskResumePoint(point =>
    {
        _point = point;
        _nextOffset = point.Offset;
        _connection = new object();
        ReadSoon();
    });

    private void ReadSoon()
    {
        if (_isReading || _connection is not { } connection || _ahead.Count >= RunsAheadMax)
        {
            return;
        }
        _isReading = true;
        world.Time.In(world.Dice.Between(1, world.Plan.DeliveryMsMax), () =>
        {
            _isReading = false;
            if (ReferenceEquals(connection, _connection))
            {
                Read();
            }
            else
            {
                ReadSoon();
            }
        });
    }

    private void Read()
    {
        IReadOnlyList<LogRecord> records = world.Log.Read(_nextOffset, world.Dice.Between(1, 6));
        if (records.Count == 0)
        {
            return;
        }
        _nextOffset = records[^1].Offset + 1;
        _ahead.Enqueue(new StoreActor.FeedRun(_point!, records));
        HandOver();
        ReadSoon();
    }

    private void HandOver()
    {
        if (!_isHandedOver && _ahead.TryDequeue(out StoreActor.FeedRun? run))
        {
            _isHandedOver = true;
            node.Deliver(run);
        }
    }
}
