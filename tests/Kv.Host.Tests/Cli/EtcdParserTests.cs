using Google.Protobuf;
using Kv.Cli;
using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Cli.Lines;
using Kv.Protos.Etcd;
using Result = Kv.Protos.Etcd.Compare.Types.CompareResult;
using Target = Kv.Protos.Etcd.Compare.Types.CompareTarget;

namespace Kv.Host.Tests.Cli;

public sealed class EtcdParserTests
{
    [Fact]
    public void A_value_of_put_is_one_word_and_never_JSON() => Assert.Equal(
        new Command.Put(new PutRequest
        {
            Key = Bytes("k"),
            Value = Bytes("{\"a\" b"),
            Lease = 0xab1,
            PrevKv = true,
        }),
        CommandParser.ParseLine("put k '{\"a\" b' --lease ab1 --prev-kv"));

    [Fact]
    public void Base64_names_any_bytes() => Assert.Equal(
        new Command.Put(new PutRequest { Key = ByteString.CopyFrom(0, 1), Value = ByteString.CopyFrom(255) }),
        CommandParser.ParseLine("put AAE= /w== --base64"));

    [Fact]
    public void A_range_takes_all_its_options() => Assert.Equal(
        new Command.Range(new RangeRequest
        {
            Key = Bytes("a"),
            RangeEnd = Bytes("b"),
            Limit = 3,
            Revision = 7,
            SortOrder = RangeRequest.Types.SortOrder.Descend,
            SortTarget = RangeRequest.Types.SortTarget.Mod,
            KeysOnly = true,
            CountOnly = true,
            Serializable = true,
        }),
        CommandParser.ParseLine(
            "range a b --limit 3 --rev 7 --order desc --sort-by MOD --keys-only --count-only "
            + "--serializable"));

    [Theory]
    [InlineData("range --prefix", "AA==", "AA==")]
    [InlineData("range ab --prefix", "YWI=", "YWM=")]
    [InlineData("range Yf8= --prefix --base64", "Yf8=", "Yg==")]
    [InlineData("range //8= --prefix --base64", "//8=", "AA==")]
    [InlineData("range a --from-key", "YQ==", "AA==")]
    public void A_prefix_and_a_beginning_are_ranges_as_etcd_has_them(string line, string key, string end)
    {
        RangeRequest request = Assert.IsType<Command.Range>(CommandParser.ParseLine(line)).Request;

        Assert.Equal((key, end), (request.Key.ToBase64(), request.RangeEnd.ToBase64()));
    }

    [Fact]
    public void A_watch_takes_all_its_options() => Assert.Equal(
        new Command.Watch(new WatchCreateRequest
        {
            Key = Bytes("a"),
            RangeEnd = Bytes("b"),
            StartRevision = 5,
            PrevKv = true,
            ProgressNotify = true,
        }),
        CommandParser.ParseLine("watch a --prefix --rev 5 --prev-kv --progress"));

    [Fact]
    public void Lease_commands_have_hexadecimal_ids()
    {
        Assert.Equal(new Command.LeaseGrant(60, 0x1f), CommandParser.ParseLine("lease grant 60 --id 1f"));
        Assert.Equal(new Command.LeaseRevoke(0x1f), CommandParser.ParseLine("LEASE REVOKE 1F"));
        Assert.Equal(
            new Command.LeaseKeepAlive(0x1f, Once: true),
            CommandParser.ParseLine("lease keep-alive 1f --once"));
        Assert.Equal(
            new Command.LeaseTtl(0x1f, WithKeys: true), CommandParser.ParseLine("lease ttl 1f --keys"));
        Assert.Equal(new Command.LeaseList(), CommandParser.ParseLine("lease list"));
    }

    [Fact]
    public void Behind_the_name_of_a_lock_everything_is_the_programs()
    {
        CliOptions options = CliOptionsParser.Parse(
            ["--timeout", "2", "lock", "--ttl", "9", "job", "tool", "--output", "json", "--", "--ttl"],
            _ => null);
        var typed = Assert.IsType<Command.Lock>(
            CommandParser.ParseLine("lock job --ttl 9 -- tool --limit 1"));

        var held = Assert.IsType<Command.Lock>(options.Command);
        Assert.Equal(("job", 9L), (held.Name, held.TtlSeconds));
        Assert.Equal(["tool", "--output", "json", "--", "--ttl"], held.Program);
        Assert.Equal(OutputFormat.Text, options.Output);
        Assert.Equal(["tool", "--limit", "1"], typed.Program);
    }

    [Fact]
    public void A_write_may_have_a_request_id()
    {
        const string Id = "3-00112233445566778899aabbccddeeff";
        Command command = CommandParser.ParseLine($"compact 5 --request-id {Id}")!;

        Assert.Equal(Id, command.RequestId);
        Assert.True(command.IsWrite);
    }

    [Theory]
    [InlineData("put k", "put needs a key and a value")]
    [InlineData("put k two words", "no use for words")]
    [InlineData("put k v --base64", "k is not base64")]
    [InlineData("put k v --lease xyz", "hexadecimal")]
    [InlineData("put k v --request-id 12", "32 hexadecimal digits")]
    [InlineData("set k v --request-id", "quotes")]
    [InlineData("get k --request-id 00112233445566778899aabbccddeeff", "no option --request-id")]
    [InlineData("range", "range needs a key")]
    [InlineData("range a --order up", "ASC or DESC")]
    [InlineData("range a --sort-by 3", "KEY, VERSION, CREATE, MOD, VALUE")]
    [InlineData("range a --rev 0", "from 1")]
    [InlineData("range a --prefix --from-key", "exclude")]
    [InlineData("watch", "watch needs a key")]
    [InlineData("lease", "lease needs")]
    [InlineData("lease grant 0", "from 1")]
    [InlineData("lease lend", "unknown command lease lend")]
    [InlineData("lease ttl", "lease ttl needs")]
    [InlineData("lock", "lock needs a name")]
    [InlineData("compact", "compact needs a revision")]
    [InlineData("compact now", "from 1")]
    [InlineData("txn now", "no use for now")]
    public void A_wrong_line_is_refused_with_a_reason(string line, string reason)
    {
        var error = Assert.Throws<UsageException>(() => CommandParser.ParseLine(line));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mod(\"k\") > \"0\"", Target.Mod, Result.Greater)]
    [InlineData("m(k)>0", Target.Mod, Result.Greater)]
    [InlineData("create('k') = 0", Target.Create, Result.Equal)]
    [InlineData("ver(\"k\") != \"0\"", Target.Version, Result.NotEqual)]
    [InlineData("lease(\"k\") < \"0\"", Target.Lease, Result.Less)]
    public void Compares_are_etcdctls(
        string line, Target target, Result result)
    {
        Compare compare = TxnGrammar.ParseCompare(line);

        Assert.Equal((target, result, "k"), (compare.Target, compare.Result, compare.Key.ToStringUtf8()));
        Assert.NotEqual(Compare.TargetUnionOneofCase.None, compare.TargetUnionCase);
    }

    [Fact]
    public void A_compare_of_values_takes_quoted_text()
    {
        Compare compare = TxnGrammar.ParseCompare("val(\"a) \\\"b\") = \"tab\\there\"");

        Assert.Equal(("a) \"b", "tab\there"), (compare.Key.ToStringUtf8(), compare.Value.ToStringUtf8()));
    }

    [Theory]
    [InlineData("mod")]
    [InlineData("mod(\"k\")")]
    [InlineData("mod(\"k\" > \"0\"")]
    [InlineData("mod(\"k) > \"0\"")]
    [InlineData("mod(\"k\") >= \"0\"")]
    [InlineData("mod(\"k\") > \"soon\"")]
    [InlineData("mod(\"k\") > \"0\" 1")]
    [InlineData("size(\"k\") > \"0\"")]
    public void What_is_no_compare_is_refused_with_the_form_of_one(string line)
    {
        var error = Assert.Throws<UsageException>(() => TxnGrammar.ParseCompare(line));

        Assert.Contains("such as mod(\"k\") > \"0\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transaction_is_three_parts_with_blank_lines_between()
    {
        string[] lines =
            ["mod(\"k\") > \"0\"", "", "# a comment", "put k v", "get k --prefix", "", "del k", "", "beyond"];

        TxnRequest request = await Reader(complain: null, lines).ReadAsync();

        Assert.Equal((1, 2, 1), (request.Compare.Count, request.Success.Count, request.Failure.Count));
        Assert.Equal("v", request.Success[0].RequestPut.Value.ToStringUtf8());
        Assert.Equal("l", request.Success[1].RequestRange.RangeEnd.ToStringUtf8());
    }

    [Fact]
    public async Task A_transaction_that_is_not_understood_is_read_to_its_end()
    {
        Queue<string> lines = new(["bogus", "", "put k v", "", "", "next command"]);
        var reader = new TxnReader(_ => Task.FromResult<string?>(lines.Dequeue()), complain: null);

        await Assert.ThrowsAsync<UsageException>(reader.ReadAsync);

        Assert.Equal(["next command"], lines);
    }

    [Fact]
    public async Task A_person_may_write_a_wrong_line_again()
    {
        List<UsageException> errors = [];

        TxnRequest request = await Reader(errors.Add, "bogus", "ver(k) = 0", "", "", "").ReadAsync();

        Assert.Single(errors);
        Assert.Single(request.Compare);
    }

    [Theory]
    [InlineData("ada:pass:word", "ada", "pass:word")]
    [InlineData("ada", "ada", "asked of ada")]
    [InlineData("ada:", "ada", "")]
    public void A_user_has_a_name_and_a_password(string text, string name, string password)
    {
        var credentials = Kv.Cli.Calls.Credentials.Parse(text, asked => $"asked of {asked}");

        Assert.Equal((name, password), (credentials.Name, credentials.Password));
        Assert.DoesNotContain("pass", $"{credentials}");
    }

    [Fact]
    public void The_environment_names_the_default_user() => Assert.Equal(
        ("ada:x", "bob"),
        (CliOptionsParser.Parse([], Environment).User,
            CliOptionsParser.Parse(["--user=bob"], Environment).User));

    private static string? Environment(string name) => name == "KV_USER" ? "ada:x" : null;

    private static TxnReader Reader(Action<UsageException>? complain, params string[] lines)
    {
        Queue<string> left = new(lines);
        return new TxnReader(_ => Task.FromResult(left.TryDequeue(out string? line) ? line : null), complain);
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
