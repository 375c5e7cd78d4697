namespace Kv.Core.Store;

/// <summary>
/// Who may append, and how far each has come. A producer's id is the offset of its registration, so an id
/// that was forgotten is never given again. Replicated state: changes only by apply.
/// </summary>
/// <remarks>
/// The same idea as a Kafka idempotent producer or a Raft client session (Ongaro, "Consensus: Bridging
/// Theory and Practice", 6.3), with the log's own offset in place of a coordinator.
/// </remarks>
public sealed class ProducerTable(int producersMax)
{
    private readonly Dictionary<long, Producer> _byId = [];

    public int Count => _byId.Count;

    public IEnumerable<Producer> All => _byId.Values;

    /// <summary>
    /// Makes the offset an id. Over the bound the producer that was silent for longest is forgotten.
    /// </summary>
    public void Register(long offset, string nodeId)
    {
        _byId.Add(offset, new Producer(offset, nodeId, LastSequence: 0, LastOffset: offset));
        if (_byId.Count > producersMax)
        {
            _byId.Remove(_byId.Values.MinBy(static producer => producer.LastOffset)!.Id);
        }
    }

    public void Close(long id) => _byId.Remove(id);

    public Producer? Find(long id) => _byId.GetValueOrDefault(id);

    /// <summary>Notes that the producer's next entry was applied.</summary>
    public void Advance(Producer producer, long sequence, long offset) =>
        _byId[producer.Id] = producer with { LastSequence = sequence, LastOffset = offset };

    internal void Restore(Producer producer) => _byId.Add(producer.Id, producer);

    /// <param name="Id">Offset of its registration.</param>
    /// <param name="LastSequence">Sequence of its last entry applied; 0: none yet.</param>
    /// <param name="LastOffset">Offset of that entry, or of its registration.</param>
    public sealed record Producer(long Id, string NodeId, long LastSequence, long LastOffset);
}
