using System.Collections.Concurrent;
using System.Diagnostics;
using Kv.Testing.Histories;

namespace Kv.Faults.Load;

/// <summary>Clients that work on a few keys at a time, all of them on the same ones.</summary>
/// <remarks>
/// The keys change every few seconds: a key's history stays short enough to be checked, and every key is read
/// long after its last write.
/// </remarks>
internal sealed class Workload : IAsyncDisposable
{
    /// <summary>Clients at work at a time.</summary>
    public const int Clients = 12;

    private const int KeysAtATime = 16;
    private const int KeysChangeMs = 4_000;
    private const int FinalReadsAtATime = 8;
    private const int FinalReadAttemptsMax = 20;

    private readonly int _seed;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ConcurrentDictionary<string, bool> _keys = [];
    private readonly StreamWriter _file;
    private readonly HistoryRecorder _history;
    private readonly KvClient[] _nodes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _keyChoice;
    private Task _clients = Task.CompletedTask;

    public Workload(int seed, IEnumerable<Uri> nodes, string historyPath)
    {
        _seed = seed;
        _keyChoice = new Random(seed);
        HistoryPath = historyPath;
        _file = new StreamWriter(historyPath);
        _history = new HistoryRecorder(_file, () => _clock.ElapsedTicks);
        _nodes = [.. nodes.Select(static address => new KvClient(address))];
        Counts = new LoadCounts(() => _clock.ElapsedMilliseconds);
    }

    public string HistoryPath { get; }

    public LoadCounts Counts { get; private set; }

    public void Start()
    {
        Counts = new LoadCounts(() => _clock.ElapsedMilliseconds);
        _clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(
            i => ClientOf($"c{i}", i).RunAsync(_stop.Token)));
    }

    /// <summary>Returns when every client has done with its last operation.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _clients;
        Counts.End();
    }

    /// <summary>Reads every key that was ever used, each through one of the nodes.</summary>
    /// <returns>Keys that gave no answer.</returns>
    public async Task<IReadOnlyCollection<string>> ReadAllAsync()
    {
        ConcurrentBag<string> silent = [];
        ConcurrentQueue<string> keys = new(_keys.Keys.Order(StringComparer.Ordinal));
        await Task.WhenAll(Enumerable.Range(0, FinalReadsAtATime).Select(async i =>
        {
            Client reader = ClientOf($"final{i}", i);
            while (keys.TryDequeue(out string? key))
            {
                if (!await reader.ReadAsync(key, FinalReadAttemptsMax)) { silent.Add(key); }
            }
        }));
        return silent;
    }

    /// <summary>The history so far, of which nothing more will come.</summary>
    public async Task<IReadOnlyList<Operation>> CloseHistoryAsync()
    {
        await _file.DisposeAsync();
        return HistoryFile.ToOperations(HistoryFile.ReadFile(HistoryPath));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (KvClient node in _nodes) { node.Dispose(); }
        await _file.DisposeAsync();
        _stop.Dispose();
    }

    private Client ClientOf(string name, int i) => new(
        name, unchecked((_seed * 31) + i), _nodes, i % _nodes.Length, NextKey, _history, Counts);

    private string NextKey()
    {
        int i;
        lock (_keyChoice) { i = _keyChoice.Next(KeysAtATime); }
        string key = $"k{_clock.ElapsedMilliseconds / KeysChangeMs}-{i}";
        _keys.TryAdd(key, true);
        return key;
    }
}
