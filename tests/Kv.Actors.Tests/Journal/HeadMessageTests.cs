using Kv.Actors.Journal;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Journal;

public sealed class HeadMessageTests
{
    private static readonly HeadMessage Message = new(
        HeadKind.Head, "n-ä", 0xC0FFEE, 17, new JournalPoint(42, new Digest(1, 2)));

    [Fact]
    public void What_was_encoded_is_decoded() =>
        Assert.Equal(Message, HeadMessage.TryDecode(Message.Encode()));

    [Fact]
    public void With_any_bit_flipped_or_any_end_cut_it_is_none()
    {
        byte[] bytes = Message.Encode();

        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] flipped = [.. bytes];
            flipped[i] ^= 4;
            Assert.Null(HeadMessage.TryDecode(flipped));
            Assert.Null(HeadMessage.TryDecode(bytes.AsMemory(0, i)));
        }
    }
}
