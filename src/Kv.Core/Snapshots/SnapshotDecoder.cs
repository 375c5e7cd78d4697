using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>
/// Reads a snapshot from bytes as they come, in pieces of any size, and holds one chunk of them at a time.
/// What is read can be had only after the whole was found to be whole.
/// </summary>
/// <param name="keepsStore">False: only verify, in little memory, whatever the snapshot's size.</param>
/// <param name="rules">For the store; null: those of this build.</param>
public sealed class SnapshotDecoder(bool keepsStore = true, StoreRules? rules = null)
{
    private const int Begun = SnapshotFormat.PreambleBytes;

    private readonly SnapshotContents _contents = new(keepsStore);
    private readonly XxHash128 _all = new();
    private readonly StateDigest _state = new();

    // Of a base only, which its genesis has to name. Known with the header, which it does not cover.
    private StateDigest? _base;
    private readonly Dictionary<SectionKind, long> _counts = [];
    private byte[] _piece = new byte[KvLimits.SnapshotChunkBytesTarget * 2];

    // Of the piece being gathered (preamble, heading, chunk): what is there and what is needed.
    private int _length;
    private int _needed = Begun;
    private bool _hasPreamble;
    private SectionKind _section;
    private long _bytesTaken;
    private Digest _stateDigest;
    private bool _hasFooter;

    /// <summary>Takes the next bytes.</summary>
    /// <exception cref="SnapshotException">The snapshot must not be used.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_hasFooter)
            {
                throw Damaged("There are bytes behind its footer");
            }
            int taken = Math.Min(bytes.Length, _needed - _length);
            bytes[..taken].CopyTo(_piece.AsSpan(_length));
            bytes = bytes[taken..];
            _length += taken;
            _bytesTaken += taken;
            if (_length == _needed)
            {
                TakePiece();
            }
        }
    }

    /// <summary>To be called after the last bytes.</summary>
    /// <exception cref="SnapshotException">The snapshot is not complete.</exception>
    public SnapshotSummary Complete() => _hasFooter
        ? new SnapshotSummary(
            _contents.Header!,
            Count(SectionKind.Keys),
            Count(SectionKind.Producers),
            Count(SectionKind.Requests),
            _stateDigest,
            _bytesTaken)
        : throw new SnapshotException(
            SnapshotFault.Truncated, $"It ends after {_bytesTaken} bytes, before its footer.");

    /// <summary>The store of a complete snapshot. Once only: the store takes over what was read.</summary>
    /// <exception cref="SnapshotException">
    /// The snapshot is not complete, or is of a cluster whose version the rules do not have.
    /// </exception>
    public KeyValueStore ToStore()
    {
        Complete();
        return keepsStore
            ? KeyValueStore.Restore(_contents, rules ?? StoreRules.OfThisBuild)
            : throw new InvalidOperationException("The decoder was asked to verify only.");
    }

    private void TakePiece()
    {
        if (!_hasPreamble)
        {
            TakePreamble();
        }
        else if (_needed == SnapshotFormat.HeadingBytes)
        {
            TakeHeading();
        }
        else
        {
            TakeChunk();
        }
    }

    private void TakePreamble()
    {
        ReadOnlySpan<byte> preamble = _piece.AsSpan(0, Begun);
        int versionAt = SnapshotFormat.Magic.Length;
        if (!preamble.StartsWith(SnapshotFormat.Magic))
        {
            throw new SnapshotException(SnapshotFault.NotASnapshot, "It does not begin like a snapshot.");
        }
        if (preamble[versionAt] != SnapshotFormat.Version || preamble[(versionAt + 1)..].ContainsAnyExcept(
            (byte)0))
        {
            throw new SnapshotException(
                SnapshotFault.TooNew,
                $"It has format version {preamble[versionAt]}, flags "
                    + $"{Convert.ToHexString(preamble[(versionAt + 1)..])}; this build reads version "
                    + $"{SnapshotFormat.Version} without flags.");
        }
        _hasPreamble = true;
        _all.Append(preamble);
        Await(SnapshotFormat.HeadingBytes);
    }

    private void TakeHeading()
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(_piece.AsSpan(1));
        if (length is < 1 or > KvLimits.SnapshotChunkBytesMax)
        {
            throw Damaged($"A chunk of {length} bytes stands");
        }
        _needed = SnapshotFormat.HeadingBytes + length + SnapshotFormat.ChecksumBytes;
        if (_piece.Length < _needed)
        {
            Array.Resize(ref _piece, _needed);
        }
    }

    private void TakeChunk()
    {
        ReadOnlySpan<byte> chunk = _piece.AsSpan(0, _needed);
        ulong checksum = BinaryPrimitives.ReadUInt64LittleEndian(chunk[^SnapshotFormat.ChecksumBytes..]);
        if (XxHash3.HashToUInt64(chunk[..^SnapshotFormat.ChecksumBytes]) != checksum)
        {
            throw Damaged("A chunk's checksum does not match");
        }
        var section = (SectionKind)_piece[0];
        ReadOnlyMemory<byte> payload = _piece.AsMemory(
            SnapshotFormat.HeadingBytes,
            _needed - SnapshotFormat.HeadingBytes - SnapshotFormat.ChecksumBytes);
        try
        {
            EnterSection(section);
            if (section == SectionKind.Footer)
            {
                TakeFooter(new ByteReader(payload));
            }
            else
            {
                _counts[section] = Count(section) + _contents.Take(section, payload);
                _state.Append(section, payload.Span);
                _base ??= _contents.Header!.IsBase ? StateDigest.OfBase(_contents.Header) : null;
                _base?.Append(section, payload.Span);
            }
        }
        catch (FormatException wrong)
        {
            throw new SnapshotException(
                SnapshotFault.Damaged, $"{wrong.Message} (Before byte {_bytesTaken}.)", wrong);
        }
        _all.Append(chunk);
        Await(SnapshotFormat.HeadingBytes);
    }

    private void EnterSection(SectionKind section)
    {
        if (section == _section)
        {
            return;
        }
        if (section < _section || (_section == 0 && section != SectionKind.Header))
        {
            throw new FormatException("Its sections are not in order.");
        }
        if (_section != 0)
        {
            _state.End(_section, Count(_section));
            _base?.End(_section, Count(_section));
        }
        if (section != SectionKind.Footer)
        {
            _state.Begin(section);
            _base?.Begin(section);
        }
        _section = section;
    }

    private void TakeFooter(ByteReader footer)
    {
        int sections = footer.U8();
        for (int i = 0; i < sections; i++)
        {
            var section = (SectionKind)footer.U8();
            long count = footer.I64();
            if (count != Count(section))
            {
                throw new FormatException(
                    $"Its footer counts {count} records of kind {(byte)section}; there are "
                        + $"{Count(section)}.");
            }
        }
        _stateDigest = footer.Digest();
        Digest all = footer.Digest();
        UInt128 read = _all.GetCurrentHashAsUInt128();
        if (footer.Left != 0 || sections != _counts.Count)
        {
            throw new FormatException("Its footer does not name the sections it has.");
        }
        if (_stateDigest != _state.Value || all != new Digest((ulong)(read >> 64), (ulong)read))
        {
            throw new FormatException("Its checksum does not match.");
        }
        CheckBase(_contents.Header!);
        _hasFooter = true;
    }

    // Before its genesis a log has no entries: there is nothing to know of producers or of a chain.
    private void CheckBase(SnapshotHeader header)
    {
        bool isSound = !header.IsBase
            || (header.Genesis.Base == _base!.Value
                && Count(SectionKind.Producers) + Count(SectionKind.ChainHistory) == 0
                && Count(SectionKind.ClusterSettings) + header.Strays == 0
                && header.Chain == Digest.Zero);
        if (!isSound || header.AppliedOffset < SnapshotHeader.NothingApplied)
        {
            throw new FormatException($"It is not the base that its genesis names ({header.Genesis.Base}).");
        }
    }

    private long Count(SectionKind section) => _counts.GetValueOrDefault(section);

    private void Await(int needed)
    {
        _length = 0;
        _needed = needed;
    }

    private SnapshotException Damaged(string what) => new(
        SnapshotFault.Damaged, $"{what} before byte {_bytesTaken}: it was damaged.");
}
