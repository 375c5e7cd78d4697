using System.Diagnostics;

namespace Kv.Etcd.Tests.Differential;

/// <summary>
/// Ids that the client chose are the same on two servers; ids that the server chose are told by tokens, in
/// the order of their grants. Keeps the time since each grant, too.
/// </summary>
internal sealed class LeaseMap
{
    /// <summary>The first token; ids that a client chooses stay below.</summary>
    public const long FirstToken = 1_000_000;

    /// <summary>
    /// A TTL may differ from what the clock here says by so much, s: a busy machine answers late.
    /// </summary>
    private const long ToleranceSeconds = 30;

    private readonly List<long> _chosen = [];
    private readonly Dictionary<long, long> _grantedAt = [];

    /// <summary>Tokens given so far.</summary>
    public int Tokens => _chosen.Count;

    public long ToServer(long token) => token >= FirstToken && token - FirstToken < _chosen.Count
        ? _chosen[(int)(token - FirstToken)]
        : token;

    public string Describe(long id)
    {
        int at = _chosen.IndexOf(id);
        return at < 0 ? $"{id}" : $"token{at}";
    }

    /// <summary>Takes notice of a grant or a renewal.</summary>
    /// <param name="id">The server's id.</param>
    /// <param name="wasChosen">The server chose the id.</param>
    public void Granted(long id, bool wasChosen)
    {
        if (wasChosen)
        {
            _chosen.Add(id);
        }
        _grantedAt[id] = Stopwatch.GetTimestamp();
    }

    /// <summary>A remaining TTL, s, which is "as expected" when it fits the time that went by.</summary>
    public string DescribeRemaining(long id, long remaining, long granted)
    {
        if (!_grantedAt.TryGetValue(id, out long at))
        {
            return $"{remaining}";
        }
        double expected = granted - Stopwatch.GetElapsedTime(at).TotalSeconds;
        return Math.Abs(remaining - expected) <= ToleranceSeconds ? "as expected" : $"{remaining}";
    }
}
