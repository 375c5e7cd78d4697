using CsCheck;
using Kv.Core;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Core;

public sealed class EntryCodecTests
{
    private static readonly LogEntry Everything = new()
    {
        ClusterId = 0x1122334455667788,
        ProducerId = 41,
        Sequence = 7,
        BasisOffset = 99,
        BasisChain = new Digest(0xA1A2A3A4A5A6A7A8, 0xB1B2B3B4B5B6B7B8),
        TimestampMs = 1_764_000_000_123,
        Commands =
        [
            new LoggedCommand(Entries.Set("key", "\"value\""), new RequestId(UInt128.MaxValue - 5, 12)),
            new LoggedCommand(Entries.Get("ключ")),
            new LoggedCommand(Entries.Del("")),
            new LoggedCommand(new Command.Print()),
            new LoggedCommand(new Command.Barrier()),
            new LoggedCommand(new Command.Register(77, "node-1")),
            new LoggedCommand(new Command.Close(40)),
            new LoggedCommand(new Command.Found(Genesis.Empty(5, 3))),
        ],
    };

    private static readonly LogEntry OfTheCluster = Everything with
    {
        Commands =
        [
            new LoggedCommand(new Command.SnapshotTaken("node-1", 98, 123_456)),
            new LoggedCommand(new Command.ClusterVersion(2)),
            new LoggedCommand(new Command.ClusterSize(5)),
        ],
    };

    [Fact]
    public void An_entry_is_read_as_it_was_written() => Assert.All([Everything, OfTheCluster], static entry =>
    {
        byte[] bytes = EntryCodec.Encode(entry);

        var reading = Assert.IsType<EntryReading.Entry>(EntryCodec.Read(bytes));

        Assert.Equal(Text(entry), Text(reading.Value));
    });

    [Fact]
    public void Version_1_has_these_bytes_for_ever()
    {
        string bytes = Convert.ToHexString(EntryCodec.Encode(Everything));

        Assert.Equal(GoldenBytes, bytes);
    }

    [Fact]
    public void The_clusters_own_commands_have_these_bytes_for_ever()
    {
        // Behind the header, which is as above, and before the checksum.
        string commands = Convert.ToHexString(EntryCodec.Encode(OfTheCluster)[64..^8]);

        Assert.Equal(
            "14001A000000060000006E6F64652D31620000000000000040E2010000000000"
                + "15000400000002000000160004000000"
                + "05000000",
            commands);
    }

    [Fact]
    public void Any_flipped_bit_is_noticed()
    {
        byte[] bytes = EntryCodec.Encode(Everything);
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));

            EntryReading reading = EntryCodec.Read(bytes);

            Assert.False(reading is EntryReading.Entry, $"Bit {bit} was flipped and nobody noticed.");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void An_entry_cut_anywhere_is_noticed()
    {
        byte[] bytes = EntryCodec.Encode(Everything);

        Assert.All(
            Enumerable.Range(0, bytes.Length),
            length => Assert.False(EntryCodec.Read(bytes.AsMemory(0, length)) is EntryReading.Entry));
    }

    [Fact]
    public void Bytes_without_the_magic_are_a_stray()
    {
        Assert.IsType<EntryReading.Stray>(EntryCodec.Read("{\"command_type\":\"SET\"}"u8.ToArray()));
        Assert.IsType<EntryReading.Stray>(EntryCodec.Read(ReadOnlyMemory<byte>.Empty));
    }

    [Fact]
    public void A_newer_format_version_is_unreadable_and_says_so()
    {
        byte[] bytes = EntryCodec.Encode(Everything);
        bytes[4] = EntryCodec.FormatVersion + 1;

        var reading = Assert.IsType<EntryReading.Unreadable>(EntryCodec.Read(bytes));

        Assert.Contains("format version 2", reading.Why);
    }

    [Fact]
    public void Random_bytes_behind_the_magic_never_throw() =>
        Gen.Byte.Array[0, 300].Sample(static tail =>
        {
            byte[] bytes = [.. "KVLE"u8, 1, .. tail];

            return EntryCodec.Read(bytes) is EntryReading.Unreadable;
        });

    [Fact]
    public void An_entry_has_a_bounded_number_of_commands()
    {
        LogEntry none = Everything with { Commands = [] };
        LogEntry tooMany = Everything with
        {
            Commands = [.. Enumerable.Repeat(
                new LoggedCommand(new Command.Print()), KvLimits.EntryCommandsMax + 1)],
        };

        Assert.Throws<ArgumentException>(() => EntryCodec.Encode(none));
        Assert.Throws<ArgumentException>(() => EntryCodec.Encode(tooMany));
    }

    [Fact]
    public void The_bound_of_a_commands_bytes_holds() =>
        Assert.All([.. Everything.Commands, .. OfTheCluster.Commands], static logged =>
        {
            int without = EntryCodec.Encode(
                Everything with { Commands = [new(new Command.Print())] }).Length - 6;
            int with = EntryCodec.Encode(Everything with { Commands = [logged] }).Length;

            Assert.InRange(with - without, 1, EntryCodec.CommandBytesMax(logged.Command));
        });

    private static string Text(LogEntry entry) =>
        $"{entry with { Commands = [] }} {string.Join("; ", entry.Commands.Select(Text))}";

    private static string Text(LoggedCommand logged) => logged.Command switch
    {
        Command.Set set => $"Set {Hex(set.Key)} {Hex(set.Value)} {logged.RequestId}",
        Command.Get get => $"Get {Hex(get.Key)}",
        Command.Del del => $"Del {Hex(del.Key)}",
        Command other => other.ToString(),
    };

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private const string GoldenBytes =
        "4B564C45010008008877665544332211290000000000000007000000000000006300000000000000"
        + "A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B87BE897B69A0100000101FAFFFFFFFFFFFFFFFFFFFFFFFFFF"
        + "FFFF0C000000000000000E000000030000006B65792276616C756522020008000000D0BAD0BBD18E"
        + "D18703000000000004000000000010000000000011001A0000004D00000000000000000000000000"
        + "0000060000006E6F64652D31120008000000280000000000000013002C0000000500000000000000"
        + "000000000000000000000000000000000100000003000000000018000004000000000100E83D3FDD"
        + "976AD34F";
}
