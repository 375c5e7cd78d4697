namespace Kv.Core.Store;

/// <summary>
/// Every mutation in the order of revisions, back to the compacted one: what compaction goes through, and
/// what a watcher that begins in the past is given. One owner writes; views may be read by anybody.
/// </summary>
/// <remarks>
/// A list of arrays that are filled once: a view is the list's present part. Mutations of one revision stand
/// in the order they were made. What was removed is nobody's to read, in views neither.
/// </remarks>
internal sealed class RevisionLog
{
    private const int ChunkLength = 1_024;

    // Replaced, not changed, when a chunk comes or goes: views hold the array. Places count from _first.
    private KeyRecord?[][] _chunks = [];
    private int _first;
    private int _count;

    public int Count => _count;

    public KeyRecord Oldest => _chunks[0][_first]!;

    public void Add(KeyRecord record)
    {
        int end = _first + _count;
        if (end == _chunks.Length * ChunkLength)
        {
            _chunks = [.. _chunks, new KeyRecord[ChunkLength]];
        }
        _chunks[end / ChunkLength][end % ChunkLength] = record;
        _count++;
    }

    public void RemoveOldest()
    {
        _chunks[0][_first] = null;
        _first++;
        _count--;
        if (_first == ChunkLength)
        {
            _chunks = _chunks[1..];
            _first = 0;
        }
    }

    public RevisionLogView View() => new(_chunks, _first, _count);

    internal static KeyRecord? At(KeyRecord?[][] chunks, int place) =>
        chunks[place / ChunkLength][place % ChunkLength];
}

/// <summary>A <see cref="RevisionLog"/> as it was at one moment; any thread.</summary>
public readonly struct RevisionLogView
{
    private readonly KeyRecord?[][]? _chunks;
    private readonly int _first;

    internal RevisionLogView(KeyRecord?[][] chunks, int first, int count)
    {
        _chunks = chunks;
        _first = first;
        Count = count;
    }

    public int Count { get; }

    /// <param name="at">0: the oldest.</param>
    /// <exception cref="InvalidOperationException">It was compacted away since the view was made.</exception>
    public KeyRecord this[int at] => Find(at)
        ?? throw new InvalidOperationException($"Mutation {at} of {Count} was compacted away.");

    /// <summary>Place of the first mutation at or behind a revision; <see cref="Count"/>: none.</summary>
    public int FirstAtOrBehind(long revision)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (Find(middle) is not { } record || record.ModRevision < revision)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    /// <param name="at">0: the oldest.</param>
    /// <returns>Null: it was compacted away since the view was made.</returns>
    public KeyRecord? Find(int at) => at >= 0 && at < Count
        ? RevisionLog.At(_chunks!, _first + at)
        : throw new ArgumentOutOfRangeException(nameof(at), at, $"There are {Count} mutations.");
}
