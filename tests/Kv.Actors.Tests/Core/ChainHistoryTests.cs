using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

public sealed class ChainHistoryTests
{
    private readonly ChainHistory _history = new(digestsMax: 4);

    public ChainHistoryTests()
    {
        foreach (long offset in (long[])[10, 20, 30, 40, 50])
        {
            _history.Add(offset, new Digest(0, (ulong)offset), new Digest(1, (ulong)offset));
        }
    }

    [Theory]
    [InlineData(20, 20, true)]
    [InlineData(50, 50, true)]
    [InlineData(30, 31, false)]
    [InlineData(35, 35, false)]
    [InlineData(60, 60, false)]
    [InlineData(10, 99, true)]
    public void A_basis_agrees_when_it_is_ours_or_too_old_to_tell(long offset, ulong chain, bool agrees) =>
        Assert.Equal(agrees, _history.Agrees(offset, new Digest(0, chain)));

    [Theory]
    [InlineData(20, 20, 20, HistoryVerdict.Agrees)]
    [InlineData(20, 20, 21, HistoryVerdict.OtherContents)]
    [InlineData(20, 21, 20, HistoryVerdict.OtherHistory)]
    [InlineData(25, 20, 20, HistoryVerdict.OtherHistory)]
    [InlineData(60, 60, 60, HistoryVerdict.Ahead)]
    [InlineData(10, 99, 99, HistoryVerdict.TooOld)]
    public void Another_nodes_digests_are_compared_at_their_offset(
        long offset, ulong chain, ulong contents, HistoryVerdict verdict) =>
        Assert.Equal(
            verdict, _history.Compare(offset, new Digest(0, chain), new Digest(1, contents)));

    [Fact]
    public void Contents_that_are_not_known_contradict_nothing() => Assert.Equal(
        HistoryVerdict.Agrees, _history.Compare(20, new Digest(0, 20), Digest.Zero));
}
