using System.Text.Json;
using Kv.Cli;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Files;

namespace Kv.Host.Tests.Cli;

/// <summary>kv snapshot on files, without a node.</summary>
public sealed class SnapshotCommandTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private string _file = "";

    public async Task InitializeAsync()
    {
        var store = new KeyValueStore();
        store.Apply(3, EntryCodec.Encode(new LogEntry
        {
            ClusterId = 0xC0FFEE,
            ProducerId = LogEntry.NoProducer,
            Sequence = 0,
            BasisOffset = -1,
            BasisChain = Digest.Zero,
            TimestampMs = 0,
            Commands = [new LoggedCommand(new Command.Found(Genesis.Empty(0xC0FFEE, clusterSize: 3)))],
        }));
        SnapshotFile file = await new SnapshotFiles(_directory.Path).SaveAsync(
            store.Capture(), isPinned: false, CancellationToken.None);
        _file = file.Path;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Status_shows_what_is_in_a_file()
    {
        KvRun run = await KvProcess.RunAsync("snapshot", "status", _file);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("cluster         0000000000c0ffee", run.Output);
        Assert.Contains("applied offset  3", run.Output);
        Assert.Contains("founded on      nothing", run.Output);
    }

    [Fact]
    public async Task Status_in_json_has_the_same()
    {
        KvRun run = await KvProcess.RunAsync("--output", "json", "snapshot", "status", _file);

        JsonElement status = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal("snapshot status", status.GetProperty("command").GetString());
        Assert.Equal((3, 1, 0), (
            status.GetProperty("applied_offset").GetInt64(),
            status.GetProperty("revision").GetInt64(),
            status.GetProperty("keys").GetInt64()));
        Assert.Equal(new FileInfo(_file).Length, status.GetProperty("bytes").GetInt64());
    }

    [Theory]
    [InlineData("cut", "Truncated")]
    [InlineData("flipped", "Damaged")]
    [InlineData("newer", "TooNew")]
    [InlineData("foreign", "NotASnapshot")]
    public async Task Status_tells_what_is_wrong_with_a_file(string damage, string fault)
    {
        byte[] bytes = await File.ReadAllBytesAsync(_file);
        switch (damage)
        {
            case "cut":
                bytes = bytes[..^3];
                break;
            case "flipped":
                bytes[40] ^= 1;
                break;
            case "newer":
                bytes[4]++;
                break;
            default:
                bytes[0]++;
                break;
        }
        await File.WriteAllBytesAsync(_file, bytes);

        KvRun run = await KvProcess.RunAsync("snapshot", "status", _file);

        Assert.Equal(((int)ExitCode.BadSnapshot, ""), (run.ExitCode, run.Output));
        Assert.Contains($"({fault})", run.Errors);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_another_failure()
    {
        KvRun run = await KvProcess.RunAsync("snapshot", "status", _file + ".not");

        Assert.Equal((int)ExitCode.File, run.ExitCode);
    }

    [Fact]
    public async Task Restore_makes_a_directory_with_nothing_but_the_base_of_a_new_cluster()
    {
        string data = Path.Combine(_directory.Path, "data");

        KvRun run = await KvProcess.RunAsync(
            "snapshot", "restore", _file, "--data-dir", data, "--cluster-size", "5");

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal(
            [Path.Combine(data, "snapshots", "snapshot-base.kvsnap")],
            Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories));
        Genesis? genesis = await new SnapshotFiles(Path.Combine(data, "snapshots")).ReadBaseAsync(
            CancellationToken.None);
        Assert.Equal(5, genesis!.ClusterSize);
        Assert.NotEqual(0xC0FFEEul, genesis.ClusterId);
        Assert.Contains(genesis.ClusterId.ToString("x16"), run.Output);
    }

    [Fact]
    public async Task Restore_leaves_a_directory_alone_that_is_not_empty()
    {
        KvRun run = await KvProcess.RunAsync("snapshot", "restore", _file, "--data-dir", _directory.Path);

        Assert.Equal((int)ExitCode.File, run.ExitCode);
        Assert.Contains("not empty", run.Errors);
        Assert.False(Directory.Exists(Path.Combine(_directory.Path, "snapshots")));
    }

    [Fact]
    public async Task Restore_of_a_damaged_file_makes_no_directory()
    {
        byte[] bytes = await File.ReadAllBytesAsync(_file);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(_file, bytes);
        string data = Path.Combine(_directory.Path, "data");

        KvRun run = await KvProcess.RunAsync("snapshot", "restore", _file, "--data-dir", data);

        Assert.Equal((int)ExitCode.BadSnapshot, run.ExitCode);
        Assert.False(Directory.Exists(data));
    }

    [Theory]
    [InlineData("snapshot")]
    [InlineData("snapshot", "save")]
    [InlineData("snapshot", "copy", "file")]
    [InlineData("snapshot", "restore", "file")]
    [InlineData("snapshot", "restore", "file", "--data-dir", "d", "--cluster-size", "0")]
    [InlineData("snapshot", "status", "file", "--halted")]
    public async Task What_is_not_understood_is_a_usage_error(params string[] arguments)
    {
        KvRun run = await KvProcess.RunAsync(arguments);

        Assert.Equal((int)ExitCode.Usage, run.ExitCode);
    }
}
