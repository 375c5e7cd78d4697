using System.Text;
using BCrypt.Net;
using Grpc.Core;
using Bcrypt = BCrypt.Net.BCrypt;

namespace Kv.Host.Etcd;

/// <summary>
/// Hashes passwords, which is meant to be slow, a few at a time, so that it never takes all of a machine.
/// As etcd's, a hash covers the first 72 bytes of a password.
/// </summary>
internal sealed class AuthPasswords : IDisposable
{
    /// <summary>bcrypt's cost, as in etcd: 2 to that power rounds, some 60 ms.</summary>
    private const int Cost = 10;

    /// <summary>Most calls that wait for their turn, some seconds of work; more are refused.</summary>
    private const int WaitingMax = 64;

    // Of nobody's password: whether there is a user is not to be told by the time an answer takes.
    private static readonly byte[] NobodysHash = Encoding.ASCII.GetBytes(
        "$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5BWX4Z1Z3MxE8lmyy6h6Zy/YPj4Oa");

    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));
    private int _waiting;

    /// <summary>The hash, with a salt of its own.</summary>
    /// <exception cref="RpcException">Too many wait.</exception>
    public async Task<ReadOnlyMemory<byte>> HashAsync(string password, CancellationToken cancellation) =>
        await InTurnAsync(() => Encoding.ASCII.GetBytes(Bcrypt.HashPassword(password, Cost)), cancellation);

    /// <param name="hash">Null: there is no such user; it takes as long, and never fits.</param>
    /// <inheritdoc cref="HashAsync"/>
    public async Task<bool> FitsAsync(
        string password, ReadOnlyMemory<byte>? hash, CancellationToken cancellation) =>
        await InTurnAsync(() => Fits(password, hash ?? NobodysHash), cancellation) && hash is not null;

    public void Dispose() => _turns.Dispose();

    private static bool Fits(string password, ReadOnlyMemory<byte> hash)
    {
        try
        {
            return Bcrypt.Verify(password, Encoding.ASCII.GetString(hash.Span));
        }
        catch (Exception notAHash) when (notAHash is SaltParseException or ArgumentException)
        {
            return false;
        }
    }

    private async Task<T> InTurnAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > WaitingMax)
            {
                throw new RpcException(EtcdErrors.RequestTooManyRequests);
            }
            await _turns.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        try
        {
            return await Task.Run(work, cancellation);
        }
        finally
        {
            _turns.Release();
        }
    }
}
