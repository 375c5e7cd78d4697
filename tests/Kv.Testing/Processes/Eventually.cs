using System.Diagnostics;

namespace Kv.Testing.Processes;

/// <summary>Waits for what comes by itself, but not for ever.</summary>
public static class Eventually
{
    private const int PollMs = 20;

    /// <summary>Asks until the answer is not null.</summary>
    /// <exception cref="TimeoutException">It was null all the time.</exception>
    public static async Task<T> GetAsync<T>(string what, Func<Task<T?>> ask, int timeoutMs = 30_000)
        where T : class
    {
        var waiting = Stopwatch.StartNew();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(PollMs));
        do
        {
            if (await ask() is { } answer)
            {
                return answer;
            }
        }
        while (waiting.ElapsedMilliseconds < timeoutMs && await poll.WaitForNextTickAsync());
        throw new TimeoutException($"Not within {timeoutMs} ms: {what}.");
    }

    /// <summary>Asks until it holds.</summary>
    public static Task HoldsAsync(string what, Func<Task<bool>> holds, int timeoutMs = 30_000) =>
        GetAsync(what, async () => await holds() ? "" : null, timeoutMs);
}
