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
            _history.Add(offset, new Digest(0, (ulong)offset));
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
}
