using Kv.Actors.Presence;
using Kv.Host.Nodes;
using Kv.Host.Recovery;

namespace Kv.Host.Tests.Recovery;

/// <summary>Files of a recovery, and what an end in the middle leaves behind.</summary>
public sealed class RecoveryDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public RecoveryDirectoryTests()
    {
        File.WriteAllText(At("cluster.json"), """{"cluster_id":"000000000000000a"}""");
        Directory.CreateDirectory(At("snapshots"));
        File.WriteAllText(At("snapshots/old"), "");
        File.WriteAllText(At("node.lock"), "");
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Old_files_are_put_aside_and_the_new_ones_take_their_place()
    {
        string aside = await NewRecovery().ReplaceAsync(10, MakeAsync);

        Assert.Equal(At("before-recovery-000000000000000a-1"), aside);
        Assert.Equal(["before-recovery-000000000000000a-1", "node.lock", "snapshots"], Names(""));
        Assert.Equal(["new"], Names("snapshots"));
        Assert.Equal(["cluster.json", "snapshots"], Names("before-recovery-000000000000000a-1"));
        Assert.Equal(["old"], Names("before-recovery-000000000000000a-1/snapshots"));
    }

    [Fact]
    public async Task What_was_put_aside_before_stays_where_it_is()
    {
        await NewRecovery().ReplaceAsync(10, MakeAsync);

        string aside = await NewRecovery().ReplaceAsync(11, MakeAsync);

        Assert.Equal(At("before-recovery-000000000000000b-2"), aside);
        Assert.Equal(["new"], Names("before-recovery-000000000000000b-2/snapshots"));
        Assert.Equal(["old"], Names("before-recovery-000000000000000a-1/snapshots"));
    }

    [Fact]
    public async Task A_recovery_that_ends_before_its_content_is_there_changes_nothing()
    {
        await Assert.ThrowsAsync<IOException>(
            () => NewRecovery().ReplaceAsync(10, static _ => throw new IOException("disk full")));

        Assert.False(NewRecovery().IsInterrupted);
        Assert.Equal(["old"], Names("snapshots"));
        await NewRecovery().ReplaceAsync(10, MakeAsync);
        Assert.Equal(["new"], Names("snapshots"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_interrupted_recovery_is_finished_and_keeps_a_node_from_starting(bool someMoved)
    {
        // As it is when the content was just made, or when some old files have gone already.
        string aside = At("before-recovery-000000000000000a-1");
        Directory.CreateDirectory(aside);
        Directory.CreateDirectory(At("recovering"));
        await MakeAsync(At("recovering"));
        if (someMoved)
        {
            File.Move(At("cluster.json"), Path.Combine(aside, "cluster.json"));
        }
        Assert.Throws<NodeRefusedException>(() => DataDirectory.Open(_directory.Path));

        string finished = NewRecovery().Finish();

        Assert.Equal(aside, finished);
        Assert.Equal(["cluster.json", "snapshots"], Names("before-recovery-000000000000000a-1"));
        Assert.Equal(["new"], Names("snapshots"));
        using DataDirectory opened = DataDirectory.Open(_directory.Path);
        Assert.Equal(0ul, opened.ClusterId);
    }

    [Fact]
    public async Task A_recovery_that_ends_just_before_its_last_step_keeps_the_new_files()
    {
        await NewRecovery().ReplaceAsync(10, MakeAsync);
        Directory.CreateDirectory(At("recovering"));

        NewRecovery().Finish();

        Assert.Equal(["new"], Names("snapshots"));
    }

    private RecoveryDirectory NewRecovery() => new(_directory.Path);

    private string At(string name) => Path.Combine(_directory.Path, name);

    private string[] Names(string folder) =>
    [
        .. Directory.EnumerateFileSystemEntries(At(folder)).Select(static entry => Path.GetFileName(entry)!)
            .Order(StringComparer.Ordinal),
    ];

    private static Task MakeAsync(string draft)
    {
        string snapshots = Path.Combine(draft, "snapshots");
        Directory.CreateDirectory(snapshots);
        return File.WriteAllTextAsync(Path.Combine(snapshots, "new"), "");
    }
}
