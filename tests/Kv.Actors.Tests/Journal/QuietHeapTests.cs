using System.Runtime;
using Kv.Actors.Journal;

namespace Kv.Actors.Tests.Journal;

public sealed class QuietHeapTests
{
    private const int Mebi = 1 << 20;

    [Fact]
    public void The_collector_is_back_at_work_afterwards()
    {
        using (new QuietHeap(16 * Mebi))
        {
            GC.KeepAlive(new byte[Mebi]);
        }

        Assert.NotEqual(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
    }

    [Fact]
    public void More_than_was_expected_may_be_allocated()
    {
        long allocated = 0;
        using (new QuietHeap(16 * Mebi))
        {
            for (int i = 0; i < 256; i++)
            {
                allocated += new byte[Mebi].Length;
            }
        }

        Assert.Equal(256L * Mebi, allocated);
        Assert.NotEqual(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
    }

    [Fact]
    public void Two_nodes_of_a_process_may_load_at_once()
    {
        using (new QuietHeap(16 * Mebi))
        {
            using (new QuietHeap(16 * Mebi))
            {
                GC.KeepAlive(new byte[Mebi]);
            }
        }

        Assert.NotEqual(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
    }
}
