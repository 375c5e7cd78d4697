namespace Kv.Host.Tests.Hosting;

/// <summary>
/// How a <see cref="HostProcess"/> is started. Ports and data directory are its own business.
/// </summary>
public sealed record HostStart
{
    /// <summary>Nodes in the process, each with a gRPC and an HTTP port.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Settings as environment variables: AMQP_URL, REPLICATION and so on.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Fills the data directory before the first start; it is not there yet.</summary>
    public Func<string, Task>? Seed { get; init; }

    /// <summary>Settings as options.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>
    /// False: the start counts as done when the ports answer, whether or not the nodes are ready.
    /// </summary>
    public bool WaitsUntilReady { get; init; } = true;

    /// <summary>Longest wait for ports and readiness, ms.</summary>
    public int ReadyTimeoutMs { get; init; } = 60_000;
}
