using System.Runtime;

namespace Kv.Actors.Journal;

/// <summary>
/// Keeps the garbage collector out of the way while a store is built from disk: all that is allocated there
/// stays, so that each collection on the way only copies it. With 1,000,000 keys they are a third of the
/// processor time that loading takes.
/// </summary>
/// <remarks>
/// Best effort. Where the heap does not get the room, where the room does not suffice, and where somebody
/// else of this process holds the collector off, loading goes on as ever.
/// </remarks>
internal sealed class QuietHeap : IDisposable
{
    /// <summary>Below so many bytes on disk it gains nothing.</summary>
    private const long DiskBytesMin = 8_388_608;

    /// <summary>
    /// Heap bytes for a byte on disk: what arrays and index add to keys and values of some 100 bytes.
    /// </summary>
    private const int HeapBytesPerByte = 2;

    /// <summary>Most bytes to be allocated without a collection, 1 GiB.</summary>
    private const long RoomBytesMax = 1_073_741_824;

    /// <summary>It gets at most this part of the memory that the process may use.</summary>
    private const int MemoryPart = 4;

    private readonly bool _began;

    /// <param name="diskBytes">What is going to be read.</param>
    public QuietHeap(long diskBytes)
    {
        if (diskBytes < DiskBytesMin)
        {
            return;
        }
        long room = Math.Min(
            Math.Min(diskBytes * HeapBytesPerByte, RoomBytesMax),
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / MemoryPart);
        try
        {
            _began = GC.TryStartNoGCRegion(room, disallowFullBlockingGC: true);
        }
        catch (Exception notNow) when (notNow is ArgumentOutOfRangeException or InvalidOperationException)
        {
            // More than the heap can have at once, or another node of this process loads at the moment.
        }
    }

    public void Dispose()
    {
        if (!_began || GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
        {
            return;
        }
        try
        {
            GC.EndNoGCRegion();
        }
        catch (InvalidOperationException)
        {
            // The room did not suffice, and a collection ended this a moment ago.
        }
    }
}
