using Kv.Actors.Log;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// A node's publishing connection. Within one session entries reach the log in the order of the calls; when
/// it breaks, what was under way is lost or arrives later, in any order. Keeps the contract of <see
/// cref="IReplicationLog"/> and nothing beyond it.
/// </summary>
internal sealed class SimChannel(SimWorld world, string nodeId)
{
    private readonly List<Publication> _underWay = [];
    private long _arrivesAtMsMin;
    private bool _isUp = true;

    private sealed class Publication(byte[] message, Action<Exception?> end)
    {
        private Action<Exception?>? _end = end;

        internal byte[] Message { get; } = message;

        internal bool IsLost { get; set; }

        internal bool HasEnded => _end is null;

        internal void End(Exception? failure)
        {
            Action<Exception?>? end = _end;
            _end = null;
            end?.Invoke(failure);
        }
    }

    internal void Append(byte[] message, Action<Exception?> end)
    {
        Dice dice = world.Dice;
        if (!_isUp || (world.IsFaulty && dice.Chance(world.Plan.Refused)))
        {
            world.Time.In(dice.Between(0, 5), () => end(new LogUnavailableException("no connection")));
            return;
        }
        var publication = new Publication(message, end);
        _underWay.Add(publication);
        long arrivesAtMs = Math.Max(
            _arrivesAtMsMin, world.Time.NowMs + dice.Between(0, world.Plan.DeliveryMsMax));
        bool isLost = world.IsFaulty && dice.Chance(world.Plan.Lost);
        bool isUnknown = isLost || (world.IsFaulty && dice.Chance(world.Plan.UnknownButIn));
        if (!isLost)
        {
            _arrivesAtMsMin = arrivesAtMs;
            world.Time.In(arrivesAtMs - world.Time.NowMs, () => Arrive(publication, confirms: !isUnknown));
        }
        if (isUnknown)
        {
            // It may be reported before the entry gets to the log.
            world.Time.In(
                dice.Between(0, 2 * world.Plan.DeliveryMsMax), () => EndUnknown(publication, "nacked"));
        }
    }

    internal void Break(int downMs)
    {
        if (!_isUp)
        {
            return;
        }
        world.Transcript.Add($"{nodeId}        loses its publishing connection for {downMs} ms");
        _isUp = false;
        _arrivesAtMsMin = 0;
        foreach (Publication publication in _underWay.ToArray())
        {
            publication.IsLost = true;
            if (world.Dice.Chance(0.4))
            {
                world.Time.In(
                    world.Dice.Between(0, 1_500),
                    () => world.Log.Arrive(publication.Message, $"{nodeId}, late"));
            }
            world.Time.In(world.Dice.Between(0, 20), () => EndUnknown(publication, "connection lost"));
        }
        world.Time.In(downMs, () => _isUp = true);
    }

    private void Arrive(Publication publication, bool confirms)
    {
        if (publication.IsLost)
        {
            return;
        }
        world.Log.Arrive(publication.Message, nodeId);
        Dice dice = world.Dice;
        if (world.IsFaulty && dice.Chance(world.Plan.Duplicated))
        {
            world.Time.In(
                dice.Between(0, 300), () => world.Log.Arrive(publication.Message, $"{nodeId}, once more"));
        }
        if (!confirms)
        {
            return;
        }
        bool isLate = world.IsFaulty && dice.Chance(world.Plan.LateConfirm);
        world.Time.In(
            isLate ? dice.Between(0, 1_500) : dice.Between(0, 5),
            () =>
            {
                if (!publication.HasEnded)
                {
                    _underWay.Remove(publication);
                    publication.End(null);
                }
            });
    }

    private void EndUnknown(Publication publication, string why)
    {
        _underWay.Remove(publication);
        publication.End(new LogOutcomeUnknownException(why));
    }
}
