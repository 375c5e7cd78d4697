using Akka.Actor;
using Kv.Actors.Store;
using Kv.Actors.Upkeep;
using Kv.Actors.Watching;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Nodes;

/// <summary>Reads of a node of a totally ordered mode.</summary>
public sealed partial class LogNode
{
    private readonly Task<ulong> _clusterKnown;
    private readonly PublishedAuth _auth;

    /// <summary>Of the cluster it is a member of; 0 before its founding entry was applied.</summary>
    public ulong ClusterId => _clusterKnown.IsCompletedSuccessfully ? _clusterKnown.Result : 0;

    /// <summary>
    /// Users and roles as of an entry that this node has applied: none is answered before the change that it
    /// makes is seen here. Null: the node has not caught up with the log, and serves nobody.
    /// </summary>
    public AuthTable? Auth => _auth.Table;

    /// <summary>Answers a range or a transaction without writes.</summary>
    /// <param name="isSerializable">
    /// From this node's state at once, which may lag; else behind a barrier that went through the log: it
    /// sees what was acknowledged before it was asked.
    /// </param>
    /// <param name="who">Who asks, for a store that checks it; null: nobody said.</param>
    /// <exception cref="KvException">The node does not serve, or the barrier did not come back.</exception>
    public async Task<Reply> ReadAsync(
        Command command, bool isSerializable, Principal? who, CancellationToken cancellation)
    {
        if (!isSerializable)
        {
            await ExecuteAsync(new LoggedCommand(new Command.Barrier()), cancellation);
        }
        object answer = await AskStoreAsync(new StoreActor.Read(command, who), cancellation);
        return answer switch
        {
            StoreActor.Viewed viewed => Read(viewed.Keys, (Command.Range)command),
            _ => (Reply)answer,
        };
    }

    /// <summary>
    /// Whether somebody may have a command, as this node has applied users, roles and leases. What goes
    /// through the log is checked there.
    /// </summary>
    /// <returns>Null: yes; or why not.</returns>
    /// <exception cref="KvException">The node does not serve.</exception>
    public async ValueTask<StoreError?> CheckAsync(
        Command command, Principal? who, CancellationToken cancellation) => Auth is { IsEnabled: false }
        ? null
        : ((StoreActor.Permission)await AskStoreAsync(
            new StoreActor.AskPermission(command, who), cancellation)).Denied;

    /// <summary>As <see cref="UpkeepOptions.QuotaBytes"/>.</summary>
    public long QuotaBytes => _options.Upkeep.QuotaBytes;

    /// <summary>All keys of this node with their history, as they are now.</summary>
    /// <exception cref="KvException">The node does not serve.</exception>
    public async Task<KeyView> ViewKeysAsync(CancellationToken cancellation) =>
        ((StoreActor.Viewed)await AskStoreAsync(new StoreActor.ViewKeys(), cancellation)).Keys;

    /// <summary>How much there is of the keys, and which alarms are on.</summary>
    /// <exception cref="KvException">The node does not serve.</exception>
    public async Task<StoreActor.KeyState> GetKeyStateAsync(CancellationToken cancellation) =>
        (StoreActor.KeyState)await AskStoreAsync(new StoreActor.GetKeyState(), cancellation);

    /// <summary>Opens a stream of watches. The caller disposes it.</summary>
    /// <exception cref="KvException">The node does not serve, or has too many streams.</exception>
    public async Task<WatchSession> OpenWatchAsync(CancellationToken cancellation)
    {
        await CheckServingAsync(isWrite: false, cancellation);
        var session = new WatchSession(_watches, _options.Clock, _options.WatchProgressIntervalMs);
        try
        {
            _watches.Tell(new WatchHubActor.Open(session), ActorRefs.NoSender);
            await session.Opened.WaitAsync(cancellation);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private static Reply Read(KeyView keys, Command.Range range) => keys.Check(range.Query) is { } error
        ? new Reply.Refused(error) { Revision = keys.Revision, Order = 0 }
        : new Reply.Ranged(keys.Range(range.Query)) { Revision = keys.Revision, Order = 0 };

    private async Task<object> AskStoreAsync(object question, CancellationToken cancellation)
    {
        object answer;
        await CheckServingAsync(isWrite: false, cancellation);
        try
        {
            answer = await _store.Ask<object>(question, cancellation);
        }
        catch (OperationCanceledException)
        {
            throw new KvException(
                KvError.DeadlineBeforePublish, "The deadline ended before the store could answer.");
        }
        return answer is StoreActor.NotServing refused
            ? throw new KvException(refused.Code, refused.Why)
            : answer;
    }

    /// <summary>Written by the store's actor, read by anybody.</summary>
    private sealed class PublishedAuth
    {
        private volatile AuthTable? _table;

        public AuthTable? Table
        {
            get => _table;
            set => _table = value;
        }
    }
}
