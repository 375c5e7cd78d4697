using Kv.Protos.Etcd;

namespace Kv.Cli.Commands;

/// <summary>The commands that speak etcd's protocol: keys and values are bytes, leases 64-bit ids.</summary>
internal abstract partial record Command
{
    public abstract record Etcd : Command;

    public sealed record Put(PutRequest Request) : Etcd;

    public sealed record Range(RangeRequest Request) : Etcd;

    /// <param name="Request">Null: its lines follow, see <see cref="Kv.Cli.Etcd.TxnReader"/>.</param>
    public sealed record Txn(TxnRequest? Request) : Etcd;

    public sealed record Compact(CompactionRequest Request) : Etcd;

    /// <summary>Runs until interrupted.</summary>
    public sealed record Watch(WatchCreateRequest Request) : Etcd;

    public abstract record Lease : Etcd
    {
        public override string Verb => this is LeaseKeepAlive
            ? "lease keep-alive"
            : $"lease {GetType().Name[nameof(Lease).Length..].ToLowerInvariant()}";
    }

    /// <param name="TtlSeconds">From 1.</param>
    /// <param name="Id">0: the server chooses.</param>
    public sealed record LeaseGrant(long TtlSeconds, long Id) : Lease;

    public sealed record LeaseRevoke(long Id) : Lease;

    /// <summary>Runs until interrupted or the lease is gone, unless it is to be done once.</summary>
    public sealed record LeaseKeepAlive(long Id, bool Once) : Lease;

    public sealed record LeaseTtl(long Id, bool WithKeys) : Lease;

    public sealed record LeaseList : Lease;

    /// <summary>Holds a lock until interrupted, or while a program runs.</summary>
    /// <param name="Name">Of the lock: whoever asks for the same name waits.</param>
    /// <param name="TtlSeconds">How long the lock outlives a holder that is gone.</param>
    /// <param name="Program">The program and its arguments; empty: none.</param>
    public sealed record Lock(string Name, long TtlSeconds, IReadOnlyList<string> Program) : Etcd;
}
