using System.Collections.Concurrent;
using Grpc.Core;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Hosting;

/// <summary>
/// Writers spread over the nodes of a process, each with one write under way at a time and keys of its own.
/// A writer goes on until it is told to end or a write fails.
/// </summary>
public sealed class WriteLoad
{
    private const int WritersPerNode = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, SetReply> _acknowledged = [];
    private readonly ConcurrentQueue<Status> _failures = [];
    private readonly TaskCompletionSource _reached = new();
    private readonly int _target;
    private readonly Task _writers;
    private volatile bool _ending;

    private WriteLoad(HostProcess host, int nodes, int target)
    {
        _target = target;
        _writers = Task.WhenAll(Enumerable.Range(0, nodes * WritersPerNode).Select(
            writer => WriteAsync(host.Kv(1 + (writer % nodes)), $"load-{Guid.NewGuid():n}-")));
    }

    /// <summary>Replies by key. The value of each is its key as a JSON string.</summary>
    public IReadOnlyDictionary<string, SetReply> Acknowledged => _acknowledged;

    /// <summary>What each writer's last write failed with, if it did.</summary>
    public IReadOnlyCollection<Status> Failures => _failures;

    /// <summary>Starts the writers; returns when so many writes are acknowledged. They go on.</summary>
    public static async Task<WriteLoad> StartAsync(HostProcess host, int nodes, int acknowledged)
    {
        var load = new WriteLoad(host, nodes, acknowledged);
        Task first = await Task.WhenAny(load._reached.Task, load._writers).WaitAsync(Patience);
        return first == load._reached.Task
            ? load
            : throw new InvalidOperationException($"All writers failed: {string.Join("; ", load._failures)}");
    }

    /// <summary>Lets each writer finish its write and end; fails when one hangs.</summary>
    public Task EndAsync()
    {
        _ending = true;
        return FailedAsync();
    }

    /// <summary>Waits until every writer has failed; fails when one hangs.</summary>
    public Task FailedAsync() => _writers.WaitAsync(Patience);

    private async Task WriteAsync(KvService.KvServiceClient kv, string prefix)
    {
        for (int i = 0; !_ending; i++)
        {
            string key = $"{prefix}{i}";
            try
            {
                var request = new SetRequest { Key = key, ValueJson = $"\"{key}\"" };
                _acknowledged[key] = await kv.SetAsync(request);
            }
            catch (RpcException failure)
            {
                _failures.Enqueue(failure.Status);
                return;
            }
            if (_acknowledged.Count >= _target)
            {
                _reached.TrySetResult();
            }
        }
    }
}
