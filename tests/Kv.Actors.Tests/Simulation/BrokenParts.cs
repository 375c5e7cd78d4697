using Kv.Actors.Publishing;
using Kv.Actors.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// Places where a node can be made to err, to prove that the checks notice. This one errs nowhere.
/// </summary>
internal class BrokenParts
{
    internal static readonly BrokenParts None = new();

    /// <summary>
    /// False where entries are changed before they are applied: digests would tell that at once, but the
    /// other checks have to.
    /// </summary>
    internal virtual bool ComparesChains => true;

    /// <summary>False where a feed does not ask whether the log was truncated under it.</summary>
    internal virtual bool ChecksGaps => true;

    internal virtual bool Deliver(SimNode node, StoreActor.FeedRun run) => node.Follower.Deliver(run);

    internal virtual byte[] BytesToAppend(SimNode node, long sequence, byte[] entry) => entry;

    internal virtual Exception? EndOfAppend(SimNode node, long sequence, byte[] entry, Exception? failure) =>
        failure;

    internal virtual object WordToPublisher(SimNode node, object word) => word;

    internal virtual bool AnswersAtOnce(SimNode node, PendingCommand pending) => false;
}
