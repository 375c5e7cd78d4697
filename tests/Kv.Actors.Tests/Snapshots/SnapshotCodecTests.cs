using System.Text;
using Kv.Core;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

public sealed class SnapshotCodecTests
{
    [Fact]
    public void A_restored_store_has_what_the_captured_one_had()
    {
        KeyValueStore store = Stores.Full();

        KeyValueStore restored = Stores.Decode(Stores.Encode(store));

        Assert.Equal(
            (store.AppliedOffset, store.AppliedHash, store.Chain, store.Revision, store.Order, store.Strays),
            (restored.AppliedOffset, restored.AppliedHash, restored.Chain, restored.Revision, restored.Order,
                restored.Strays));
        Assert.Equal(store.Genesis, restored.Genesis);
        Assert.Equal(store.Producers.All, restored.Producers.All);
        Assert.Equal("3", Encoding.UTF8.GetString(restored.Get("a"u8)!.Value.Span));
        Assert.Null(restored.Get("b"u8));
    }

    [Fact]
    public void A_snapshot_of_a_restored_store_has_the_same_bytes()
    {
        byte[] snapshot = Stores.Encode(Stores.Full());

        Assert.Equal(snapshot, Stores.Encode(Stores.Decode(snapshot)));
    }

    [Fact]
    public void Version_1_has_these_bytes_for_ever()
    {
        string bytes = Convert.ToHexString(Stores.Encode(Stores.Full()));

        Assert.Equal(GoldenBytes, bytes);
    }

    [Fact]
    public void Any_flipped_bit_is_noticed()
    {
        byte[] snapshot = Stores.Encode(Stores.Full());
        for (int bit = 0; bit < snapshot.Length * 8; bit++)
        {
            snapshot[bit / 8] ^= (byte)(1 << (bit % 8));

            Stores.Refused(snapshot, $"Bit {bit} was flipped.");

            snapshot[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void A_snapshot_cut_anywhere_is_noticed()
    {
        byte[] snapshot = Stores.Encode(Stores.Full());

        Assert.All(
            Enumerable.Range(0, snapshot.Length),
            length => Assert.Equal(
                SnapshotFault.Truncated, Stores.Refused(snapshot[..length], $"{length} bytes").Fault));
    }

    [Fact]
    public void Bytes_behind_the_footer_are_noticed() => Assert.Equal(
        SnapshotFault.Damaged, Stores.Refused([.. Stores.Encode(Stores.Full()), 0]).Fault);

    [Fact]
    public void A_missing_chunk_is_noticed()
    {
        var store = Stores.Full();
        for (int i = 2; i < 8; i++)
        {
            store.Apply(100 + i, Entries.Encode(11, i + 1, Entries.Set($"k{i}", new string('x', 200_000))));
        }
        var encoder = new SnapshotEncoder(store.Capture());
        List<byte[]> chunks = [.. encoder.Chunks().Select(static chunk => chunk.ToArray())];

        // preamble, header, keys …: the fourth piece is one of several chunks of keys
        chunks.RemoveAt(3);

        Assert.Equal(SnapshotFault.Damaged, Stores.Refused([.. chunks.SelectMany(static c => c)]).Fault);
    }

    [Fact]
    public void A_newer_format_version_is_refused_by_name()
    {
        byte[] snapshot = Stores.Encode(Stores.Full());
        snapshot[4] = 2;

        SnapshotException refused = Stores.Refused(snapshot);

        Assert.Equal(SnapshotFault.TooNew, refused.Fault);
        Assert.Contains("format version 2", refused.Message);
    }

    [Fact]
    public void A_section_of_a_newer_build_is_refused_by_name()
    {
        byte[] snapshot = Stores.Encode(Stores.Full());
        var newer = new ChunkBuffer();
        newer.Begin((SectionKind)99);
        newer.GetSpan(1)[0] = 7;
        newer.Advance(1);
        int footerAt = snapshot.Length - FooterBytes;

        SnapshotException refused = Stores.Refused(
            [.. snapshot[..footerAt], .. newer.Seal().Span, .. snapshot[footerAt..]]);

        Assert.Equal(SnapshotFault.TooNew, refused.Fault);
        Assert.Contains("kind 99", refused.Message);
    }

    [Fact]
    public void Another_file_is_no_snapshot() => Assert.Equal(
        SnapshotFault.NotASnapshot, Stores.Refused("SQLite format 3\0"u8.ToArray()).Fault);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void A_snapshot_may_come_in_pieces_of_any_size(int pieceBytes)
    {
        byte[] snapshot = Stores.Encode(Stores.Full());
        var decoder = new SnapshotDecoder();

        foreach (byte[] piece in snapshot.Chunk(pieceBytes))
        {
            decoder.Write(piece);
        }

        Assert.Equal(snapshot, Stores.Encode(decoder.ToStore()));
    }

    [Fact]
    public void Verifying_alone_counts_what_is_there()
    {
        KeyValueStore store = Stores.Full();
        byte[] snapshot = Stores.Encode(store);
        var decoder = new SnapshotDecoder(keepsStore: false);

        decoder.Write(snapshot);

        SnapshotSummary summary = decoder.Complete();
        Assert.Equal((2, 1, 5, snapshot.Length),
            (summary.Keys, summary.Producers, summary.Requests, summary.BytesLength));
        Assert.Equal(StateDigest.Of(store.Capture()), summary.StateDigest);
    }

    [Fact]
    public void Nothing_can_be_had_of_a_snapshot_that_is_not_complete()
    {
        byte[] snapshot = Stores.Encode(Stores.Full());
        var decoder = new SnapshotDecoder();
        decoder.Write(snapshot.AsSpan(0, snapshot.Length - 1));

        Assert.Throws<SnapshotException>(decoder.ToStore);
    }

    [Fact]
    public void Values_as_large_as_any_pass()
    {
        KeyValueStore store = Stores.Small();
        string value = new('v', KvLimits.RequestBytesMax - 1);
        store.Apply(20, Entries.Encode(11, 4, Entries.Set("L", value)));

        KeyValueStore restored = Stores.Decode(Stores.Encode(store));

        Assert.Equal(value.Length, restored.Get("L"u8)!.Value.Length);
    }

    [Fact]
    public void A_store_without_a_genesis_has_no_snapshot() =>
        Assert.Throws<InvalidOperationException>(new KeyValueStore().Capture);

    // Heading 5, count 1, ten sections of 9, two digests of 16, checksum 8.
    private const int FooterBytes = 5 + 1 + (10 * 9) + 32 + 8;

    private const string GoldenBytes =
        "4B56534E01000000017C000000EEFFC00000000000000000000000000000000000000000000100"
        + "00000000000000001800000400000000010014000000000000001CFFDE8B0E32238114E5A43F6F"
        + "87C34855C58707BE451D9630B36B82D4ACBD4C0700000000000000030000000000000009000000"
        + "000000000100000000000000000000000000000056A1800BFFB4257C0210000000016101330202"
        + "0200016B013206010207176E02032AD19F90031E0000000B00000000000000020000006E310400"
        + "0000000000001400000000000000D353A969D3A2D28F0401010000010000000000000000000000"
        + "00000000111942A84C3B44898C37D8C92540795501040000000000000004000000000000000200"
        + "0000000000000000000000000000CF8FC3351CC6A81391346750400E332E020400000000000000"
        + "0500000000000000030000000000000000000000000000002FF39367394F506C73B2284B32BF86"
        + "72030400000000000000060000000000000004000000000000000000000000000000B58F7C2C0E"
        + "08973FF527CC2BB4CEAA9104050000000000000007000000000000000100000000000000050000"
        + "00000000000000000000000000273A61159D6F88BD88BB32D7A96B6A7E05050000000000000000"
        + "000000000000000100000034EA82939690035905C00000000A00000000000000D93DC8041ACF34"
        + "0F6A144EEDE9996BEA0B00000000000000AAAB9BE5754EC9776DA5C29D59E544E50C0000000000"
        + "0000ECD25216C54C70B2AD1F6CE37FEA92180F000000000000008E9D9CD20F1FB040273C832D12"
        + "06F8EB1000000000000000F577DA58E93C2CFC873F461A35B1F1FB110000000000000021A6B269"
        + "F8751B940D47086DD62805FA1200000000000000199ECF0EEBAB6FEEC6DDB6A69FFB3DBA140000"
        + "000000000055C58707BE451D9630B36B82D4ACBD4CA5B446F5F9CD76D0102B0000000162030101"
        + "32030001000001610402010131020001000162050000016B060101310600010700016B070200B3"
        + "0B0159E2CAE1F8112000000007000000000000003C000000000000001200000000000000DC0500"
        + "00000000004733398222D0195E1230000000010500000000000000000201000000750004000000"
        + "0000000004686173680101000000720301000000720100016101621041BAB03AAC953E13090000"
        + "00050000000000000001644E39545EE75448143900000001010000000300000004140000000000"
        + "00010000000000000002020000006E310F00000000000000840300000000000003120000000000"
        + "000094D8164F6F0D0985FF7B0000000A0101000000000000000202000000000000000301000000"
        + "000000000405000000000000000508000000000000001005000000000000001101000000000000"
        + "00120300000000000000130100000000000000140300000000000000CE55358323F198958F23AC"
        + "A7217400AAC10A3ADDDE347E3FF0FDBDBBB6851875C09EF83A2F217525";
}
