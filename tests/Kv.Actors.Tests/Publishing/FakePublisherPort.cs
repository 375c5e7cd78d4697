using Kv.Actors.Publishing;

namespace Kv.Actors.Tests.Publishing;

/// <summary>Notes what the publisher's core wants; nothing happens by itself.</summary>
internal sealed class FakePublisherPort : IPublisherPort
{
    private readonly Queue<byte[]> _appends = [];

    /// <summary>Timers that run.</summary>
    internal HashSet<PublisherTimer> Timers { get; } = [];

    internal int Registrations { get; private set; }

    internal bool IsDrained { get; private set; }

    internal int AppendsWaiting => _appends.Count;

    /// <summary>The next append, in the order of the calls.</summary>
    internal byte[] NextAppend() => _appends.Dequeue();

    public void Append(long producerId, long sequence, byte[] entry) => _appends.Enqueue(entry);

    public void BeginRegistration(UInt128 nonce) => Registrations++;

    public void FoundRegistration(ulong clusterId)
    {
    }

    public void EndRegistration()
    {
    }

    public void StartTimer(PublisherTimer timer, long delayMs) => Timers.Add(timer);

    public void CancelTimer(PublisherTimer timer) => Timers.Remove(timer);

    public void Drained() => IsDrained = true;
}
