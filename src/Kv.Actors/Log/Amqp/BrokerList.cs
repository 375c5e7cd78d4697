namespace Kv.Actors.Log.Amqp;

/// <summary>
/// The brokers of one RabbitMQ cluster, and which of them a node uses at present. All its connections are to
/// that one: a broker that is cut from the others still takes connections and answers heartbeats, and only
/// the publisher notices, by confirms that do not come. The readers then leave with it.
/// </summary>
/// <remarks>Any thread.</remarks>
public sealed class BrokerList
{
    private readonly Lock _gate = new();
    private readonly Uri[] _uris;
    private int _at;
    private Broker _current;

    /// <param name="uris">amqp:// or amqps://, with credentials and virtual host; at least one.</param>
    /// <param name="startsAt">
    /// Any number, such as a hash: the place in the list to start from, modulo its length.
    /// </param>
    public BrokerList(IReadOnlyList<Uri> uris, int startsAt = 0)
    {
        ArgumentOutOfRangeException.ThrowIfZero(uris.Count, nameof(uris));
        _uris = [.. uris];
        _at = (int)((uint)startsAt % _uris.Length);
        _current = new Broker(_uris[_at]);
    }

    public int Count => _uris.Length;

    /// <summary>The addresses, in their order.</summary>
    public IReadOnlyList<Uri> Uris => _uris;

    /// <summary>The broker to use now.</summary>
    public Broker Current { get { lock (_gate) { return _current; } } }

    /// <summary>Where all of them are, without credentials: fit for logs.</summary>
    public override string ToString() => string.Join(", ", _uris.Select(EndpointOf));

    /// <summary>
    /// Goes on to the next broker because <paramref name="broker"/> is of no use, unless the node has left it
    /// already or has no other.
    /// </summary>
    public void Leave(Broker broker)
    {
        lock (_gate)
        {
            if (_current != broker || _uris.Length == 1) { return; }
            _at = (_at + 1) % _uris.Length;
            _current = new Broker(_uris[_at]);
        }
        broker.OnLeft();
    }

    internal static string EndpointOf(Uri uri)
    {
        int port = uri.IsDefaultPort || uri.Port < 0 ? (uri.Scheme == "amqps" ? 5671 : 5672) : uri.Port;
        return $"{uri.Host}:{port}";
    }

    /// <summary>One stay at a broker; coming back later to the same address is another.</summary>
    public sealed class Broker
    {
        private readonly CancellationTokenSource _left = new();

        internal Broker(Uri uri) => Uri = uri;

        internal Uri Uri { get; }

        /// <summary>Where it is, without credentials.</summary>
        public string Endpoint => EndpointOf(Uri);

        /// <summary>Cancelled when the node goes on to another broker.</summary>
        public CancellationToken Left => _left.Token;

        // Not on the caller's thread, which may be a connection's: what is registered closes connections.
        internal void OnLeft() => _ = _left.CancelAsync();
    }
}
