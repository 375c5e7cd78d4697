namespace Kv.Etcd.Tests.Differential;

/// <summary>
/// The same revision has different numbers on two servers, so requests and replies are told in handles:
/// 1 is the first revision of the run.
/// </summary>
internal abstract class RevisionMap
{
    /// <summary>The last handle there is.</summary>
    public abstract long Latest { get; }

    /// <summary>The server's number. Handles below 1 are numbers already.</summary>
    public abstract long ToServer(long handle);

    /// <summary>A key's create or mod revision, or a compaction's.</summary>
    public abstract string Describe(long revision);

    /// <summary>The revision of a reply's header.</summary>
    public abstract string DescribeHeader(long revision);

    /// <summary>Takes notice of a reply's header; nested replies have none of their own.</summary>
    /// <param name="headerRevision">The server's number.</param>
    /// <param name="wrote">The call made this revision.</param>
    public abstract void Saw(long headerRevision, bool wrote);
}

/// <summary>Nobody else writes: revisions follow from the one at the start.</summary>
internal sealed class LinearRevisions(long start) : RevisionMap
{
    private long _latest;

    public override long Latest => _latest;

    public override long ToServer(long handle) => handle < 1 ? handle : handle + start;

    public override string Describe(long revision) => revision == 0 ? "0" : $"r{revision - start}";

    public override string DescribeHeader(long revision) => Describe(revision);

    public override void Saw(long headerRevision, bool wrote) =>
        _latest = Math.Max(_latest, headerRevision - start);
}

/// <summary>
/// Others write, too: a handle counts this session's own writes, and its keys' revisions are told by them.
/// </summary>
internal sealed class SessionRevisions : RevisionMap
{
    /// <summary>No run gets there: a handle that is not yet used is in the future on every server.</summary>
    private const long Future = 1L << 40;

    private readonly List<long> _written = [];

    public override long Latest => _written.Count;

    public override long ToServer(long handle) =>
        handle < 1 ? handle : handle > _written.Count ? Future + handle : _written[(int)handle - 1];

    public override string Describe(long revision)
    {
        int at = _written.BinarySearch(revision);
        return at >= 0 ? $"r{at + 1}" : revision == 0 ? "0" : "foreign";
    }

    public override string DescribeHeader(long revision) => revision > 0 ? "some" : "0";

    public override void Saw(long headerRevision, bool wrote)
    {
        if (wrote)
        {
            _written.Add(headerRevision);
        }
    }
}
