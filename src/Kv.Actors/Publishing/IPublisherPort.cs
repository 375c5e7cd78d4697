namespace Kv.Actors.Publishing;

/// <summary>
/// What <see cref="PublisherCore"/> has others do: an actor in a node, virtual time in a simulation.
/// </summary>
internal interface IPublisherPort
{
    /// <summary>
    /// Hands the bytes to the log; how it ended comes back by <see cref="PublisherCore.EndAppend"/>.
    /// </summary>
    void Append(long producerId, long sequence, byte[] entry);

    /// <summary>
    /// Attaches to the store under a new nonce and begins to bring its registration into the log.
    /// </summary>
    void BeginRegistration(UInt128 nonce);

    /// <summary>Tells the registration which cluster it belongs to.</summary>
    void FoundRegistration(ulong clusterId);

    /// <summary>The registration came by or is no longer wanted.</summary>
    void EndRegistration();

    /// <summary>One shot; a running timer of the same name starts over.</summary>
    void StartTimer(PublisherTimer timer, long delayMs);

    void CancelTimer(PublisherTimer timer);

    /// <summary>Everything taken has its answer.</summary>
    void Drained();
}

internal enum PublisherTimer
{
    /// <summary>Ends in <see cref="PublisherCore.AppendNew"/>.</summary>
    AppendAgain = 1,

    /// <summary>Ends in <see cref="PublisherCore.EndOutageGrace"/>.</summary>
    OutageGraceOver = 2,
}
