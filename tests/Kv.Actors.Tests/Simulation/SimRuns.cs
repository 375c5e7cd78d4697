using System.Collections.Concurrent;
using Xunit.Sdk;

namespace Kv.Actors.Tests.Simulation;

/// <summary>Runs seeds, and makes of a failed one what a person needs.</summary>
internal static class SimRuns
{
    private const int TranscriptLinesShown = 150;

    /// <summary>A seed to run alone, with its whole transcript: KV_SIM_SEED.</summary>
    internal static int? SeedAsked =>
        int.TryParse(Environment.GetEnvironmentVariable("KV_SIM_SEED"), out int seed) ? seed : null;

    /// <summary>How many seeds to run: KV_SIM_SEEDS, or the number the test names.</summary>
    internal static int SeedsOr(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("KV_SIM_SEEDS"), out int seeds) ? seeds : usual;

    /// <summary>Runs the seeds on all cores and throws for the lowest that fails.</summary>
    /// <param name="look">Sees each run that ended well.</param>
    internal static void RunAll(int seeds, bool rewritesLog, Action<SimWorld>? look = null)
    {
        if (SeedAsked is { } asked)
        {
            Report(asked, rewritesLog, BrokenParts.None);
            return;
        }
        ConcurrentBag<int> failed = [];
        Parallel.For(1, seeds + 1, (seed, all) =>
        {
            SimWorld world = NewWorld(seed, rewritesLog, BrokenParts.None, withTranscript: false);
            if (Try(world) is null)
            {
                look?.Invoke(world);
                return;
            }
            failed.Add(seed);
            all.Break();
        });
        if (!failed.IsEmpty)
        {
            Report(failed.Min(), rewritesLog, BrokenParts.None);
        }
    }

    /// <summary>The first seed at which a check notices the broken part; null: none of them does.</summary>
    internal static (int Seed, Exception Failure)? FirstNoticed(
        int seeds, bool rewritesLog, Func<BrokenParts> broken)
    {
        for (int seed = 1; seed <= seeds; seed++)
        {
            if (Try(NewWorld(seed, rewritesLog, broken(), withTranscript: false)) is { } failure)
            {
                return (seed, failure);
            }
        }
        return null;
    }

    internal static IReadOnlyList<string> TranscriptOf(int seed, bool rewritesLog)
    {
        SimWorld world = NewWorld(seed, rewritesLog, BrokenParts.None, withTranscript: true);
        Try(world);
        return world.Transcript.Lines;
    }

    private static void Report(int seed, bool rewritesLog, BrokenParts broken)
    {
        SimWorld world = NewWorld(seed, rewritesLog, broken, withTranscript: true);
        if (Try(world) is not { } failure)
        {
            return;
        }
        int shown = SeedAsked is null ? TranscriptLinesShown : int.MaxValue;
        IEnumerable<string> lines = world.Transcript.Lines.TakeLast(shown);
        throw new XunitException($"""
            Seed {seed} fails: {failure.Message}
            {string.Join(Environment.NewLine, lines)}
            Seed {seed} fails: {failure.Message}
            {(failure is SimulationFailure ? "" : failure.StackTrace)}
            Again, with the whole transcript:  KV_SIM_SEED={seed} ./test --filter Simulation
            """);
    }

    private static SimWorld NewWorld(int seed, bool rewritesLog, BrokenParts broken, bool withTranscript) =>
        new(seed, rewritesLog, broken, withTranscript);

    // Whatever the code under test throws is a finding, too.
    private static Exception? Try(SimWorld world)
    {
        try
        {
            world.Run();
            return null;
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            return failure;
        }
    }
}
