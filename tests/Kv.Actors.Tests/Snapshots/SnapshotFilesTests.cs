using Kv.Core.Snapshots;
using Kv.Core.Store;
using Kv.Files;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

public sealed class SnapshotFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-snapshots-").FullName;
    private readonly KeyValueStore _store = Stores.Small();
    private readonly SnapshotFiles _files;
    private long _sequence = 3;

    public SnapshotFilesTests() => _files = new SnapshotFiles(_directory);

    [Fact]
    public async Task What_was_saved_is_loaded()
    {
        await SaveAsync(20);

        SnapshotLoad load = await _files.LoadNewestAsync(CancellationToken.None);

        Assert.Equal(20, load.Store!.AppliedOffset);
        Assert.Equal(Stores.Encode(_store), Stores.Encode(load.Store));
        Assert.Empty(load.Warnings);
    }

    [Fact]
    public async Task An_empty_directory_and_none_have_no_snapshot()
    {
        var none = new SnapshotFiles(Path.Combine(_directory, "none"));

        Assert.Null((await _files.LoadNewestAsync(CancellationToken.None)).Store);
        Assert.Null((await none.LoadNewestAsync(CancellationToken.None)).Store);
    }

    [Fact]
    public async Task The_newest_two_are_kept()
    {
        foreach (long offset in (long[])[20, 21, 22, 1_000])
        {
            await SaveAsync(offset);
        }

        Assert.Equal([1_000, 22], _files.List().Select(static file => file.Offset));
        Assert.Equal(22, _files.OlderKeptOffset());
    }

    [Fact]
    public async Task One_snapshot_alone_releases_no_log()
    {
        await SaveAsync(20);

        Assert.Null(_files.OlderKeptOffset());
    }

    [Fact]
    public async Task A_pinned_one_is_never_rotated_away()
    {
        await SaveAsync(20, isPinned: true);
        foreach (long offset in (long[])[21, 22, 23])
        {
            await SaveAsync(offset);
        }

        Assert.Equal([23, 22, 20], _files.List().Select(static file => file.Offset));
        Assert.Equal(22, _files.OlderKeptOffset());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    public async Task Behind_a_damaged_one_the_older_counts_and_a_warning_tells(int damagedByte)
    {
        await SaveAsync(20);
        SnapshotFile newest = await SaveAsync(21);
        byte[] bytes = await File.ReadAllBytesAsync(newest.Path);
        bytes[damagedByte] ^= 1;
        await File.WriteAllBytesAsync(newest.Path, bytes);

        SnapshotLoad load = await _files.LoadNewestAsync(CancellationToken.None);

        Assert.Equal(20, load.Store!.AppliedOffset);
        Assert.Contains(newest.Path, Assert.Single(load.Warnings));
        Assert.Equal([20], _files.List().Select(static file => file.Offset));
    }

    [Fact]
    public async Task A_cut_one_does_not_count()
    {
        await SaveAsync(20);
        SnapshotFile newest = await SaveAsync(21);
        byte[] bytes = await File.ReadAllBytesAsync(newest.Path);
        await File.WriteAllBytesAsync(newest.Path, bytes[..^1]);

        SnapshotLoad load = await _files.LoadNewestAsync(CancellationToken.None);

        Assert.Equal(20, load.Store!.AppliedOffset);
    }

    [Fact]
    public async Task One_of_a_newer_build_is_passed_over_and_left_alone()
    {
        await SaveAsync(20);
        SnapshotFile newest = await SaveAsync(21);
        byte[] bytes = await File.ReadAllBytesAsync(newest.Path);
        bytes[4] = 9;
        await File.WriteAllBytesAsync(newest.Path, bytes);

        SnapshotLoad load = await _files.LoadNewestAsync(CancellationToken.None);

        Assert.Equal(20, load.Store!.AppliedOffset);
        Assert.Contains("version 9", Assert.Single(load.Warnings));
        Assert.True(File.Exists(newest.Path));
    }

    [Fact]
    public async Task A_full_disk_leaves_what_was_there_and_no_draft()
    {
        await SaveAsync(20);
        var full = new SnapshotFiles(_directory, path => new FullDisk(File.Create(path), bytesMax: 100));
        _store.Apply(21, Entries.Encode(11, _sequence++, Entries.Set("d", "4")));

        await Assert.ThrowsAsync<IOException>(
            () => full.SaveAsync(_store.Capture(), isPinned: false, CancellationToken.None));

        Assert.Equal([_files.List()[0].Path], Directory.GetFiles(_directory));
        Assert.Equal(20, (await _files.LoadNewestAsync(CancellationToken.None)).Store!.AppliedOffset);
    }

    [Fact]
    public async Task A_draft_of_a_process_that_died_is_no_snapshot_and_goes()
    {
        await File.WriteAllTextAsync(
            SnapshotFile.In(_directory, 99, isPinned: false).Path + ".tmp", "half of it");

        _files.RemoveDrafts();

        Assert.Null((await _files.LoadNewestAsync(CancellationToken.None)).Store);
        Assert.Empty(Directory.GetFiles(_directory));
    }

    [Fact]
    public async Task A_received_one_is_kept_under_its_own_offset()
    {
        (SnapshotFile file, KeyValueStore store) = await _files.ReceiveAsync(
            Pieces(Stores.Encode(_store)), static _ => null, CancellationToken.None);

        Assert.Equal((18, 18), (file.Offset, store.AppliedOffset));
        Assert.Equal(Stores.Encode(_store), await File.ReadAllBytesAsync(file.Path));
    }

    [Fact]
    public async Task A_received_one_that_is_damaged_or_unwanted_gets_no_name()
    {
        byte[] damaged = Stores.Encode(_store);
        damaged[70] ^= 4;

        await Assert.ThrowsAsync<SnapshotException>(() => _files.ReceiveAsync(
            Pieces(damaged), static _ => null, CancellationToken.None));
        await Assert.ThrowsAsync<SnapshotException>(() => _files.ReceiveAsync(
            Pieces(Stores.Encode(_store)[..^9]), static _ => null, CancellationToken.None));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _files.ReceiveAsync(
            Pieces(Stores.Encode(_store)), static _ => "another cluster", CancellationToken.None));

        Assert.Empty(Directory.GetFiles(_directory));
    }

    [Fact]
    public async Task Verifying_a_file_says_what_is_in_it()
    {
        SnapshotFile file = await SaveAsync(20);

        SnapshotSummary summary = await SnapshotReading.VerifyAsync(file.Path, CancellationToken.None);

        Assert.Equal((20, _store.Count), (summary.Header.AppliedOffset, summary.Keys));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private Task<SnapshotFile> SaveAsync(long offset, bool isPinned = false)
    {
        _store.Apply(offset, Entries.Encode(11, _sequence++, Entries.Set($"k{offset}", "v")));
        return _files.SaveAsync(_store.Capture(), isPinned, CancellationToken.None);
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] bytes)
    {
        foreach (byte[] piece in bytes.Chunk(50))
        {
            await Task.CompletedTask;
            yield return piece;
        }
    }
}
