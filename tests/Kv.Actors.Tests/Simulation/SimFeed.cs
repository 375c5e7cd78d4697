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

    /// <summary>Wait before a probe of the tail that failed is made again, ms.</summary>
    private const int ProbeAgainMs = 500;

    private readonly Queue<StoreActor.FeedRun> _ahead = [];
    private object? _connection;
    private long _nextOffset;
    private bool _isReading;
    private bool _isHandedOver;

    // The stream's end at the store. Another takes its place when the store asks for it.
    private object _sink = new();
    private StoreActor.ResumePoint? _point;
    private GapCheck _gaps = null!;

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

    /// <summary>The store goes on from another state: nothing that was read counts any more.</summary>
    internal void StartAnew()
    {
        _sink = new object();
        _isHandedOver = false;
        _ahead.Clear();
        _connection = null;
        AskWhereToBegin();
    }

    private void Acknowledge(object sink)
    {
        if (sink != _sink)
        {
            return;
        }
        _isHandedOver = false;
        HandOver();
        ReadSoon();
    }

    private void AskWhereToBegin() => node.AskResumePoint(point =>
    {
        _point = point;
        _nextOffset = point.Offset;
        _gaps = new GapCheck(() => Task.FromResult(world.Log.FirstOffset));
        _connection = new object();
        ReadSoon();
        if (point.ClusterId != 0)
        {
            ProbeSoon(point, _connection);
        }
    });

    // Attached first, appended then: whatever comes first stands behind the tail of that moment.
    private void ProbeSoon(StoreActor.ResumePoint point, object connection) =>
        world.Time.In(world.Dice.Between(1, world.Plan.DeliveryMsMax), () =>
        {
            if (!ReferenceEquals(connection, _connection))
            {
                return;
            }
            long attachedAt = world.Log.LastOffset + 1;
            node.AppendProbe(point, failure =>
            {
                if (failure is null && world.Log.Read(attachedAt, 1) is [{ Offset: var tail }])
                {
                    node.SeeTail(new StoreActor.TailSeen(tail, point.Offset));
                }
                else
                {
                    world.Time.In(ProbeAgainMs, () => ProbeSoon(point, connection));
                }
            });
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
        if (world.Broken.ChecksGaps && !_gaps.PassAsync(records).IsCompletedSuccessfully)
        {
            world.Met("a log truncated under a reader");
            world.Transcript.Add($"{node.Id}        finds the log truncated under it");
            Break(downMs: 1);
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
            object sink = _sink;
            node.Deliver(run, () => Acknowledge(sink));
        }
    }
}
