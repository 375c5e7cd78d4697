using Google.Protobuf;

namespace Kv.Etcd.Tests.Differential;

/// <summary>Applies the same operations to two servers, in step, until they answer differently.</summary>
/// <param name="seed">Makes the operations; the same seed makes the same ones.</param>
internal sealed class DifferentialRun(int seed, Side reference, Side candidate)
{
    /// <summary>The first difference, as a report; null when there was none.</summary>
    public async Task<string?> FindDifferenceAsync(RequestGenerator requests, int operations)
    {
        for (int index = 0; index < operations; index++)
        {
            IMessage request = requests.Next(reference.Translation.Revisions.Latest);
            string[] answers = await Task.WhenAll(reference.AskAsync(request), candidate.AskAsync(request));
            if (answers[0] != answers[1])
            {
                return $"""
                    Operation {index} is answered differently.
                    request:   {request.Descriptor.Name} {request}
                    reference: {answers[0]}
                    candidate: {answers[1]}
                    Again: {DifferentialSettings.SeedName}={seed} {DifferentialSettings.OpsName}={index + 1}
                    """;
            }
        }
        return null;
    }
}
