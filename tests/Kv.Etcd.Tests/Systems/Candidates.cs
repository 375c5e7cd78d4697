using System.Diagnostics;

namespace Kv.Etcd.Tests.Systems;

/// <summary>What is compared with a real etcd: each name in <see cref="Names"/>.</summary>
internal static class Candidates
{
    /// <summary>Another etcd: the comparison itself finds no difference where there is none.</summary>
    public const string Etcd = "etcd";

    public const string KvHost = "kv-host";

    public static readonly string[] Names =
    [
        Etcd,
        KvHost,
    ];

    public static TheoryData<string> All => [.. Names];

    public static Task<EtcdSystem> StartAsync(string name) => name switch
    {
        Etcd => EtcdProcess.StartAsync(),
        KvHost => KvNodeProcess.StartAsync(),
        _ => throw new UnreachableException($"Nobody knows the candidate {name}."),
    };
}
