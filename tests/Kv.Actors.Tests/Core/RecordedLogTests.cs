using System.Globalization;
using System.Reflection;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

/// <summary>
/// Logs as a former build left them, byte for byte: every later build makes the same state of them. A log
/// of another build is one more file; none is ever changed.
/// </summary>
public sealed class RecordedLogTests
{
    [Theory]
    [InlineData("simple-api", "9d645dc98961286d48d0102118f0c0d4", "5cd0c362ba5a9f95fb5450e0bdc7588d")]
    [InlineData("cluster-settings", "2dfee9fb755bbeb8605ff7dd7f4381ba", "df12dd709ed303a4e8af0bbc65f2f540")]
    public void A_recorded_log_makes_the_state_recorded_with_it(string log, string chain, string state)
    {
        KeyValueStore store = Replay(log);

        Assert.Equal(chain, store.Chain.ToString());
        Assert.Equal(state, StateDigest.Of(store.Capture()).ToString());
    }

    [Fact]
    public void The_recorded_cluster_has_the_settings_of_its_entries()
    {
        ClusterSettings cluster = Replay("cluster-settings").Cluster;

        Assert.Equal((1, 2, 5), (cluster.Version, cluster.Size, cluster.CoveredOffset));
        Assert.Equal([9], cluster.SkippedOffsets);
    }

    private static KeyValueStore Replay(string log)
    {
        var store = new KeyValueStore(
            StoreRules.OfThisBuild with { SkipOffsets = new HashSet<long> { 9 } });
        using Stream file = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{log}.log")!;
        using var lines = new StreamReader(file);
        while (lines.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            AppliedEntry applied = store.Apply(
                long.Parse(parts[0], CultureInfo.InvariantCulture), Convert.FromHexString(parts[1]));
            Assert.NotEqual(EntryFate.Halt, applied.Fate);
        }
        return store;
    }
}
