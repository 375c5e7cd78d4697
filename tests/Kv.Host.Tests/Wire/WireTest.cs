using System.Runtime.CompilerServices;
using System.Text.Json;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

/// <summary>
/// Base of the tests of kv.KvService on the shared cluster. Each test has a prefix of its own for its keys.
/// </summary>
[Collection(EmbeddedClusterCollection.Name)]
public abstract class WireTest(EmbeddedCluster cluster)
{
    private static int _tests;

    /// <summary>What this test's keys begin with.</summary>
    protected string Prefix { get; } = $"wire-{Interlocked.Increment(ref _tests)}-";

    protected EmbeddedCluster Cluster { get; } = cluster;

    protected Task<WireAnswer> CallAsync(string method, string request, int node = 1) =>
        Cluster.Wire(node).CallAsync(method, request);

    /// <summary>A call with fields as an object makes them.</summary>
    protected Task<WireAnswer> CallAsync(string method, object fields, int node = 1) =>
        CallAsync(method, JsonSerializer.Serialize(fields), node);

    /// <summary>Sets a key of this test to JSON text as given, which must work.</summary>
    protected async Task<WireAnswer> SetAsync(string name, string valueJson, int node = 1)
    {
        string key = JsonSerializer.Serialize(Prefix + name);
        return Ok(await CallAsync("Set", $$"""{"key":{{key}},"value":{{valueJson}}}""", node));
    }

    /// <summary>Reads a key of this test, which must work.</summary>
    protected async Task<WireAnswer> GetAsync(string name, int node = 1) =>
        Ok(await CallAsync("Get", new { key = Prefix + name }, node));

    protected static WireAnswer Ok(
        WireAnswer answer, [CallerArgumentExpression(nameof(answer))] string call = "") =>
        answer is { Code: "OK" } && answer.Text("status") == "ok"
            ? answer
            : throw new InvalidOperationException($"{call} should work, but it ended with {answer}");
}
