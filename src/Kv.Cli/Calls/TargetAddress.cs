using System.Globalization;

namespace Kv.Cli.Calls;

/// <summary>Where a node listens for gRPC: a host name or address, and a port from 1 to 65535.</summary>
internal sealed record TargetAddress(string Host, int Port)
{
    public const string Allowed = "give host:port, such as localhost:50051 or [::1]:50051, port 1 to 65535";

    /// <summary>Reads <c>host:port</c>.</summary>
    /// <exception cref="UsageException">
    /// The text is not an address; the message says what is allowed.
    /// </exception>
    public static TargetAddress Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? text : text[..colon];
        string port = colon < 0 ? "" : text[(colon + 1)..];
        bool bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        bool hostFine = bracketed
            ? Uri.CheckHostName(host[1..^1]) == UriHostNameType.IPv6
            : Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
        if (!hostFine
            || !int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || number is < 1 or > 65535)
        {
            throw new UsageException($"bad target \"{text}\": {Allowed}.");
        }

        return new TargetAddress(host, number);
    }

    /// <summary>Reads addresses separated by commas; each is kept once, in the order given.</summary>
    /// <exception cref="UsageException">One of them is not an address, or there is none.</exception>
    public static IReadOnlyList<TargetAddress> ParseMany(IEnumerable<string> texts) =>
        [.. texts
            .SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries))
            .Select(Parse)
            .Distinct()];

    public override string ToString() => $"{Host}:{Port}";
}
