namespace Kv.Actors.Tests.Snapshots;

/// <summary>A file on a disk that is full after so many bytes.</summary>
internal sealed class FullDisk(
    Stream file, Func<int> bytesMax, string message = "No space left on device") : Stream
{
    private int _written;

    internal FullDisk(Stream file, int bytesMax, string message = "No space left on device")
        : this(file, () => bytesMax, message)
    {
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        _written += count;
        if (_written > bytesMax())
        {
            throw new IOException(message);
        }
        file.Write(buffer, offset, count);
    }

    public override void Flush() => file.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        file.Dispose();
        base.Dispose(disposing);
    }
}
