using System.Globalization;
using System.Text;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Core.Watch;
using Kv.Host.Grpc;

namespace Kv.Host.Etcd;

/// <summary>
/// What locks and elections share, as in etcd's concurrency package: whoever wants a turn puts a key under
/// the name, on a lease of its own; of these keys the one created first has the turn. A key's create revision
/// is the fencing token: each later holder has a greater one.
/// </summary>
internal sealed class TurnQueue(EtcdEdge edge)
{
    /// <summary>Time to live of the lease that is granted to who brings none, s: etcd's.</summary>
    private const long LeaseTtlSecondsDefault = 60;

    /// <summary>Longest wait for a place to be given up, ms; its lease ends it anyway.</summary>
    private const int LeaveMsMax = 5_000;

    /// <summary>A place in the queue.</summary>
    /// <param name="Revision">The key's create revision.</param>
    /// <param name="Value">What the key held before; null: it is new.</param>
    /// <param name="Entered">Revision of the transaction that found or made it.</param>
    /// <param name="IsFirst">It had the turn at once.</param>
    internal sealed record Place(
        byte[] Prefix, byte[] Key, long LeaseId, long Revision, byte[]? Value, long Entered, bool IsFirst);

    /// <summary>Takes a place: the one that the lease has already, or a new one behind all others.</summary>
    /// <param name="leaseId">0: a lease is granted.</param>
    /// <exception cref="RpcException">Refused, as etcd's service says it.</exception>
    public async Task<Place> EnterAsync(
        ServerCallContext call, ReadOnlyMemory<byte> name, long leaseId, ReadOnlyMemory<byte> value)
    {
        if (leaseId == 0)
        {
            leaseId = (await EtcdLeaseService.GrantAsync(edge, call, LeaseTtlSecondsDefault)).LeaseId;
        }
        byte[] prefix = PrefixOf(name);
        byte[] key = [.. prefix, .. Encoding.ASCII.GetBytes(Hex(leaseId))];
        var first = new Command.Range(FirstOf(prefix));
        var entered = (Reply.TxnDone)await edge.ExecuteAsync(call, new Command.Txn(
            [IsCreatedAt(key, 0)],
            [new Command.Put(key, value, leaseId), first],
            [new Command.Range(new RangeQuery(key)), first]));
        KeyRecord? owner = RecordOf(entered.Replies[1]);
        KeyRecord? own = entered.Succeeded ? null : RecordOf(entered.Replies[0]);
        long revision = own?.CreateRevision ?? entered.Revision;
        return new Place(
            prefix, key, leaseId, revision, own?.Value, entered.Revision, owner?.CreateRevision == revision);
    }

    /// <summary>
    /// Waits until all places before it are gone, and keeps its lease alive meanwhile. Gives the place up if
    /// that fails or the client goes.
    /// </summary>
    /// <returns>A revision at which it had the turn; null: its lease ended before.</returns>
    /// <exception cref="RpcException">The node has no answer.</exception>
    /// <exception cref="KvException">The node does not serve any more.</exception>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public async Task<long?> AwaitTurnAsync(ServerCallContext call, Place place)
    {
        LogNode node = edge.NodeOf(call);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken);
        Task keeping = KeepAliveAsync(node, place.LeaseId, over.Token);
        Task<long?> waiting = AwaitTurnAsync(call, node, place, over.Token);
        try
        {
            return await Task.WhenAny(waiting, keeping) == waiting || !keeping.IsCompletedSuccessfully
                ? await waiting
                : null;
        }
        catch
        {
            await LeaveAsync(node, place);
            throw;
        }
        finally
        {
            await over.CancelAsync();
            await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The key that has the turn; null: nobody.</summary>
    /// <returns>With the revision it was read at.</returns>
    public async Task<(KeyRecord? First, long Revision)> FirstAsync(
        ServerCallContext call, ReadOnlyMemory<byte> name)
    {
        Reply reply = await edge.ReadAsync(
            call, new Command.Range(FirstOf(PrefixOf(name))), isSerializable: false);
        return (RecordOf(reply), reply.Revision);
    }

    /// <summary>Does something to a key if it still is the one created at a revision.</summary>
    public async Task<Reply.TxnDone> IfCreatedAtAsync(
        ServerCallContext call, ReadOnlyMemory<byte> key, long revision, Command command) =>
        (Reply.TxnDone)await edge.ExecuteAsync(
            call, new Command.Txn([IsCreatedAt(key, revision)], [command], []));

    /// <summary>What every call of the two services ends with, if not with an answer.</summary>
    /// <exception cref="RpcException">Whatever it was.</exception>
    public static async Task<T> AnswerAsync<T>(ServerCallContext call, Func<Task<T>> answer)
    {
        try
        {
            return await answer();
        }
        catch (RpcException refused)
        {
            throw EtcdErrors.WithinServer(refused);
        }
        catch (KvException error)
        {
            throw ErrorTable.ToRpc(error);
        }
        catch (OperationCanceledException) when (call.CancellationToken.IsCancellationRequested)
        {
            // Nobody hears it.
            throw new RpcException(EtcdErrors.Canceled);
        }
    }

    /// <summary>The puts to all keys of a name.</summary>
    public static WatchedKeys PutsUnder(ReadOnlyMemory<byte> name)
    {
        byte[] prefix = PrefixOf(name);
        return new WatchedKeys(Under(prefix), NoDeletes: true);
    }

    // It ends in a slash, so there is a key behind all that begin with it.
    private static RangeQuery Under(byte[] prefix) => new(prefix, KeyRange.PrefixEnd(prefix)!.Value);

    private static RangeQuery FirstOf(byte[] prefix) => Under(prefix) with
    {
        Limit = 1,
        Sort = RangeSort.Ascending,
        SortTarget = RangeSortTarget.CreateRevision,
    };

    private static byte[] PrefixOf(ReadOnlyMemory<byte> name) => [.. name.Span, (byte)'/'];

    // As Go prints a number that may be negative.
    private static string Hex(long leaseId) => leaseId < 0
        ? "-" + (0UL - (ulong)leaseId).ToString("x", CultureInfo.InvariantCulture)
        : leaseId.ToString("x", CultureInfo.InvariantCulture);

    private static TxnCompare IsCreatedAt(ReadOnlyMemory<byte> key, long revision) => new(
        key, default, CompareTarget.CreateRevision, CompareResult.Equal, revision, default);

    private static KeyRecord? RecordOf(Reply reply) =>
        ((Reply.Ranged)reply).Result!.Records is [var record, ..] ? record : null;

    private async Task<long?> AwaitTurnAsync(
        ServerCallContext call, LogNode node, Place place, CancellationToken over)
    {
        RangeQuery before = Under(place.Prefix) with
        {
            Limit = 1,
            Sort = RangeSort.Descending,
            SortTarget = RangeSortTarget.CreateRevision,
            CreateRevisionMax = place.Revision - 1,
        };
        while (true)
        {
            over.ThrowIfCancellationRequested();
            Reply reply = await edge.ReadAsync(call, new Command.Range(before), isSerializable: false);
            if (RecordOf(reply) is not { } last)
            {
                break;
            }
            await AwaitDeletionAsync(node, last.Key, reply.Revision, over);
        }
        // A place that is gone has no turn, and nobody may act as if it had.
        Reply own = await edge.ReadAsync(
            call, new Command.Range(new RangeQuery(place.Key)), isSerializable: false);
        return RecordOf(own)?.CreateRevision == place.Revision ? own.Revision : null;
    }

    private static async Task AwaitDeletionAsync(
        LogNode node, byte[] key, long seenAt, CancellationToken cancellation)
    {
        var deletions = new WatchedKeys(new RangeQuery(key), NoPuts: true);
        await using KeyEvents events = await KeyEvents.OpenAsync(node, deletions, seenAt + 1, cancellation);
        await events.NextAsync(cancellation);
    }

    // Ends when the lease does.
    private static async Task KeepAliveAsync(LogNode node, long leaseId, CancellationToken over)
    {
        while (await node.KeepAliveAsync(leaseId, over) is Reply.Leased leased)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(leased.TtlSeconds * 1_000 / 3), over);
        }
    }

    private static async Task LeaveAsync(LogNode node, Place place)
    {
        using var patience = new CancellationTokenSource(LeaveMsMax);
        try
        {
            var leave = new Command.Txn(
                [IsCreatedAt(place.Key, place.Revision)], [new Command.DeleteRange(place.Key, default)], []);
            // Its owner had the right to make it, and need not have it any more.
            await node.ExecuteAsync(new LoggedCommand(leave, Principal: Principal.Cluster), patience.Token);
        }
        catch (KvException)
        {
            // Its lease ends it when nobody keeps that alive.
        }
    }
}
